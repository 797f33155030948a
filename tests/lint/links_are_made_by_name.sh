#!/bin/sh
# SPDX-License-Identifier: MIT
# A link (an index + 1; 0: none) is made of an index, and an index of a link, by the functions of
# lib/support/index.h, so that nobody has to guess which of the two a number is; a slab's class by
# slab_class_number().
set -u
cd "${top_srcdir:?}" || exit 99

link='(link|[*]list|[a-z_]+_link|([a-z_]+([.]|->))*(head|tail|next|previous|slots)([[][^]]*[]])?)'
find . \( -path './lib/*' -o -path './kmod-free-helpers/*' \) -name '*.[ch]' ! -path ./lib/support/index.h \
	! -name slab_record.h 	-exec awk -v link="(^|[^a-z_>.])$link - 1([^0-9]|\$)" '
	$0 ~ link { print substr(FILENAME, 3) ":" FNR ": index_from_link() makes an index of a link"; found = 1 }
	/class_mark [-=]=? .*[+-] 1|class_mark - 1/ && !/\(uint16_t\)\(class \+ 1\)/ {
		print substr(FILENAME, 3) ":" FNR ": slab_class_number() reads a slab\047s class"
		found = 1
	}
	/\/\*.*(unit|superslab|index) \+ 1[^0-9*]*\*\// {
		print substr(FILENAME, 3) ":" FNR ": call it a link"
		found = 1
	}
	END { exit found }' {} +
