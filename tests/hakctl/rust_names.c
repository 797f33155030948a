/* SPDX-License-Identifier: MIT */
/*
 * rust_names.c - are functions of Rust named as they were written, and does what is no name of
 * Rust's, or half of one, do no harm?
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "hakctl/profile/rust_name.h"
#include "hakctl/profile/rust_old_name.h"

static const char *const pairs[][2] = {
	{ "_RNvCs6GmmlP4bgsG_1r4main", "r::main" },
	{ "_RINvCs6GmmlP4bgsG_1r5applyNCNvB2_4main0EB2_", "r::apply::<r::main::{closure#0}>" },
	{ "_RNvMs_NtCs6GmmlP4bgsG_1r4shopINtB4_6BasketyE7put_allB6_",
	  "<r::shop::Basket<u64>>::put_all" },
	{ "_RNvXNtCs6GmmlP4bgsG_1r4shopINtB2_6BasketINtNtCslNYArtu3iFV_5alloc5boxed3BoxAhj3e8_"
	  "EENtB2_4Fill4fill",
	  "<r::shop::Basket<alloc::boxed::Box<[u8; 1000]>> as r::shop::Fill>::fill" },
	{ "_RNCINvNtCsjrHSEGnQ3l9_3std2rt10lang_startuE0Cs6GmmlP4bgsG_1r",
	  "std::rt::lang_start::<()>::{closure#0}" },
	{ "_RINvNtC3std3mem8align_ofjdE", "std::mem::align_of::<usize, f64>" },
	{ "_RINvC1a1bDNtC1c5TraitEL_RSeKb1_KlnA_TmhEE",
	  "a::b::<dyn c::Trait, &[str], true, -10, (u32, u8)>" },
	{ "_RINvC1a1bFG_UKCRL0_hEuE", "a::b::<unsafe extern fn(&u8)>" },
};

static const char *const nonsense[] = {
	"", "_", "_R", "_RN", "_RNv", "_RNvC", "_RNvC99999999999999999999a", "_RB_", "_RNvB_4main",
	"_Z3foov", "_RINvC1a1bAhB_E", "_RC5a",
};

static unsigned failures;

static void expect(const char *mangled, const char *is, const char *wanted)
{
	if (!strcmp(is, wanted))
		return;
	printf("%s: \"%s\", not \"%s\"\n", mangled, is, wanted);
	failures++;
}

/* Each beginning of each, into little room as well; under a sanitizer that is a proof. */
static void try_pieces(const char *mangled)
{
	char piece[256], name[256];

	for (size_t length = 0; length <= strlen(mangled); length++)
		for (size_t room = 1; room < sizeof(name); room += 17) {
			snprintf(piece, sizeof(piece), "%.*s", (int)length, mangled);
			memset(name, 'x', sizeof(name));
			if (rust_name_demangle(piece, name, room) && strlen(name) >= room) {
				printf("%s: too long for %zu\n", piece, room);
				failures++;
			}
		}
}

int main(void)
{
	char name[256];
	char older[] = "_$LT$r..shop..Basket$LT$$u5b$u8$u5d$$GT$$u20$as$u20$r..Fill$GT$::fill"
		       "::haa1b466be97f0c3d";
	char other[] = "shop::Basket<int>::fill(int)";

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		strcpy(name, "none");
		rust_name_demangle(pairs[i][0], name, sizeof(name));
		expect(pairs[i][0], name, pairs[i][1]);
		try_pieces(pairs[i][0]);
	}
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		if (rust_name_demangle(nonsense[i], name, sizeof(name))) {
			printf("%s is told as %s\n", nonsense[i], name);
			failures++;
		}
	rust_old_name_clean(older);
	expect("the older way", older, "<r::shop::Basket<[u8]> as r::Fill>::fill");
	rust_old_name_clean(other);
	expect("C++", other, "shop::Basket<int>::fill(int)");
	return failures > 0;
}
