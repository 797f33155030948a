/* SPDX-License-Identifier: MIT */
/*
 * lib/middle/slab_remote.c, remote_free.c's leave_in_slab and take_part: two senders leave blocks
 * in a slab, a bit each, and tell its owner by a mark in the superslab and one in the heap, if it
 * is not there yet. The owner takes them from the heap down to the bits. A slab whose blocks are
 * all home becomes another heap's, whose blocks the senders leave there next. Shown: every block
 * comes home once, to its own heap, and nothing is left that nobody knows of.
 */
#define BLOCKS	2	/* of a slab: one of each sender */
#define HEAPS	2	/* who have the slab one after the other */
#define NOBODY	HEAPS

bool left[BLOCKS];	/* the slab's word */
bool mark;			/* the superslab's */
bool told[HEAPS];		/* the heaps' */
byte owner;			/* of the slab */
byte home[HEAPS * BLOCKS];	/* how often it came home */
byte back;			/* of this owner's blocks */
byte sending = BLOCKS;

proctype sender(byte number)
{
	byte to = 0, seen;

	do
	:: to < HEAPS ->
		owner == to;	/* it was given a block of it */
		atomic { assert(!left[number]); left[number] = true };
		seen = mark;
		if :: !seen -> mark = true :: else fi;
		seen = told[to];
		if :: !seen -> told[to] = true :: else fi;
		to++
	:: else -> break
	od;
	sending--
}

/* By the heap's holder alone. */
inline put_home(me, which)
{
	home[me * BLOCKS + which]++;
	assert(home[me * BLOCKS + which] == 1);
	back++
}

proctype holder(byte me)
{
	bool taken[BLOCKS];

	do
	:: told[me] ->
		told[me] = false;
		if
		:: mark && owner == me ->
			mark = false;
			/* the exchange */
			d_step {
				taken[0] = left[0]; taken[1] = left[1];
				left[0] = false; left[1] = false
			};
			d_step {
				if :: taken[0] -> put_home(me, 0) :: else fi;
				if :: taken[1] -> put_home(me, 1) :: else fi
			};
			/* the slab is empty: somebody else has it */
			if :: back == BLOCKS -> d_step { back = 0; owner = me + 1 } :: else fi
		:: else
		fi
	:: sending == 0 && !told[me] -> break
	od
}

init {
	atomic { run sender(0); run sender(1); run holder(0); run holder(1) }
	_nr_pr == 1;
	assert(owner == NOBODY);
	assert(!left[0] && !left[1])
}
