/* SPDX-License-Identifier: MIT */
/* `hakctl huge`: how much of the heap is in huge pages, and where it is not, and why. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/verbs/heat.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/memory_map.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"

/* Superslabs, by how their pages are mapped. */
struct coverage {
	uint64_t heap_start;
	uint64_t huge_bytes, small_bytes;
	uint64_t superslab,
		superslab_bytes; /* the one being counted, and what is there of it */
	bool superslab_is_huge;
	uint64_t whole_huge, whole_small, holed, hole_bytes;
	uint64_t wanted_bytes; /* MADV_HUGEPAGE */
	bool is_scanned;       /* holes are known */
};

static void end_superslab(struct coverage *coverage)
{
	if (!coverage->superslab_bytes)
		return;
	if (coverage->superslab_is_huge) {
		coverage->whole_huge++;
	} else if (coverage->superslab_bytes >= HEAT_SUPERSLAB_BYTES) {
		coverage->whole_small++;
	} else {
		coverage->holed++;
		coverage->hole_bytes += HEAT_SUPERSLAB_BYTES - coverage->superslab_bytes;
	}
	coverage->superslab_bytes = 0;
	coverage->superslab_is_huge = false;
}

static void count_run(uint64_t start, uint64_t end, bool huge, void *argument)
{
	struct coverage *coverage = argument;

	while (start < end) {
		uint64_t index = (start - coverage->heap_start) / HEAT_SUPERSLAB_BYTES;
		uint64_t stop = coverage->heap_start + (index + 1) * HEAT_SUPERSLAB_BYTES;

		if (stop > end)
			stop = end;
		if (index != coverage->superslab)
			end_superslab(coverage);
		coverage->superslab = index;
		coverage->superslab_bytes += stop - start;
		coverage->superslab_is_huge |= huge;
		start = stop;
	}
}

static bool measure(const struct target *target, const struct control_ledger *ledger,
		    struct coverage *coverage, struct failure *failure)
{
	struct memory_map map;

	*coverage = (struct coverage){ .heap_start = ledger->heap_start };
	if (!ledger->heap_end)
		return failure_set(
			failure, EXIT_REFUSED,
			"its heap's addresses are not known yet; ask again when it has "
			"allocated");
	if (!memory_map_read(&target->process, ledger->heap_start, ledger->heap_end, &map,
			     failure))
		return false;
	for (size_t i = 0; i < map.count; i++) {
		const struct memory_range *range = &map.ranges[i];

		coverage->huge_bytes += range->huge_bytes;
		coverage->small_bytes += range->rss_bytes - range->huge_bytes;
		if (range->wants_huge)
			coverage->wanted_bytes += range->end - range->start;
	}
	memory_map_free(&map);
	coverage->is_scanned = memory_map_scan(&target->process, ledger->heap_start,
					       ledger->heap_end, count_run, coverage);
	end_superslab(coverage);
	return true;
}

static void read_setting(const char *name, char text[64])
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", name);
	file = fopen(path, "re");
	if (!file || !fgets(text, 64, file))
		snprintf(text, 64, "not in this kernel");
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

static void print_text(const struct target *target, const struct coverage *coverage)
{
	uint64_t resident = coverage->huge_bytes + coverage->small_bytes;
	char enabled[64], defrag[64];

	printf("%s\n", target_label(target));
	printf("  heap resident  %12s\n", units_mebibytes(resident).text);
	printf("  in huge pages  %12s   %s\n",
	       units_mebibytes(coverage->huge_bytes).text,
	       units_percent(coverage->huge_bytes, resident).text);
	printf("  in small pages %12s   %s\n",
	       units_mebibytes(coverage->small_bytes).text,
	       units_percent(coverage->small_bytes, resident).text);
	if (coverage->is_scanned)
		paragraph_line(2, "superslabs of 2 MiB: %llu huge, %llu whole in small pages, "
			       "%llu with holes (%s missing)",
		       (unsigned long long)coverage->whole_huge,
		       (unsigned long long)coverage->whole_small,
		       (unsigned long long)coverage->holed,
		       units_mebibytes(coverage->hole_bytes).text);
	else
		paragraph_line(2, "holes are not known: PAGEMAP_SCAN needs Linux 6.7");
	paragraph_line(2, "asked for huge pages: %s of address space",
	       units_mebibytes(coverage->wanted_bytes).text);
	read_setting("enabled", enabled);
	read_setting("defrag", defrag);
	paragraph_line(2, "transparent_hugepage: enabled %s, defrag %s", enabled, defrag);
	if (strstr(enabled, "[never]"))
		paragraph_line(2, "mend: echo madvise > "
				  "/sys/kernel/mm/transparent_hugepage/enabled");
}

static void add_json(const struct arguments_looking *request, const struct target *target,
		     const struct coverage *coverage)
{
	struct json_object *object = json_output_target(target);
	char text[64];

	json_output_number(object, "resident_bytes",
			   coverage->huge_bytes + coverage->small_bytes);
	json_output_number(object, "huge_bytes", coverage->huge_bytes);
	json_output_number(object, "small_bytes", coverage->small_bytes);
	json_output_number(object, "wanted_bytes", coverage->wanted_bytes);
	json_output_flag(object, "scanned", coverage->is_scanned);
	json_output_number(object, "superslabs_huge", coverage->whole_huge);
	json_output_number(object, "superslabs_small", coverage->whole_small);
	json_output_number(object, "superslabs_holed", coverage->holed);
	json_output_number(object, "hole_bytes", coverage->hole_bytes);
	read_setting("enabled", text);
	json_output_text(object, "transparent_hugepage", text);
	json_object_array_add(request->array, object);
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	struct arguments_looking *request = argument;
	struct coverage coverage;
	struct look look;
	bool done;

	if (!look_take(target, 0, &look, failure))
		return false;
	done = measure(target, &look.ledger, &coverage, failure);
	look_free(&look);
	if (done && request->json)
		add_json(request, target, &coverage);
	else if (done)
		print_text(target, &coverage);
	return done;
}

static int huge_run(int argc, char **argv)
{
	return arguments_look("huge", argc, argv, show);
}

const struct command huge_command = {
	.name = "huge",
	.arguments = "[-j] [TARGET... | --all]",
	.summary = "show how much of the heap is in huge pages",
	.help = "  -a, --all   every process that can be asked\n"
		"  -j, --json  one JSON object; bytes as integers\n"
		"\n"
		"The kernel's word, from smaps and pagemap. A superslab with holes cannot be in a\n"
		"huge page; its missing pages cost nothing.\n",
	.run = huge_run,
};
