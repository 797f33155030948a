/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of options: whatever the text, the options are words and sizes afterwards, and every
 * complaint is one line. Standard error goes nowhere meanwhile.
 */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/options.h"
#include "tests/fuzz/fuzz.h"

static struct options first;
static bool begun;

static void silence(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	FUZZ_CHECK(nowhere >= 0 && dup2(nowhere, STDERR_FILENO) == STDERR_FILENO);
	close(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!begun) {
		begun = true;
		first = options;
		if (fuzz_is_replay)
			silence();
	}
	options_parse((const char *)data, size);
	FUZZ_CHECK(options.helpers <= HELPERS_NEVER);
	FUZZ_CHECK(options.huge_pages <= HUGE_PAGES_ALWAYS);
	FUZZ_CHECK(options.on_stray_access <= ON_STRAY_OFF);
	/* bools hold nothing but a bool */
	FUZZ_CHECK(*(const unsigned char *)&options.confirm <= 1);
	options = first;
	fuzz_operations++;
	return 0;
}

const char fuzz_letters[] = "";
