/* SPDX-License-Identifier: MIT */
/*
 * lib/back/stock.c: slots filled by compare-and-swap and emptied by exchange, with a length
 * beside them that is only a hint; and the fresh range, one word. Shown: no superslab is ever
 * in two hands, none is lost, and a length that is off by one harms nobody.
 */
#define SLOTS		2
#define SUPERSLABS	3
#define TAKERS		2
#define NONE		0

byte slots[SLOTS];		/* superslab + 1 */
short length;
byte hands[SUPERSLABS + 1];	/* a ghost: by how many it is held */
byte fresh_next, fresh_end;	/* one word in the code */
byte working;

inline get(which)
{
	d_step { hands[which]++; assert(hands[which] == 1) }
}

inline give_away(which)
{
	d_step { assert(hands[which] == 1); hands[which]-- }
}

/* Leaves pushed: whether a slot was empty. The superslab leaves the hand with the swap. */
inline push(which)
{
	pushed = false;
	i = 0;
	do
	:: i < SLOTS && !pushed ->
		if
		:: atomic { slots[i] == NONE -> slots[i] = which; give_away(which) };
		   pushed = true;
		   length++
		:: atomic { slots[i] != NONE -> i++ }
		fi
	:: else -> break
	od
}

inline pop()
{
	found = NONE;
	if
	:: length > 0 ->
		i = 0;
		do
		:: i < SLOTS && found == NONE ->
			if
			:: slots[i] == NONE -> skip
			:: else ->
				d_step {
					found = slots[i];
					slots[i] = NONE;
					if :: found != NONE -> get(found) :: else fi
				};
				if :: found != NONE -> length-- :: else fi
			fi;
			i++
		:: else -> break
		od
	:: else
	fi
}

inline take_fresh()
{
	found = NONE;
	d_step {	/* the compare-and-swap that succeeds; one that fails has no effect */
		if
		:: fresh_next < fresh_end -> found = fresh_next + 1; fresh_next++; get(found)
		:: else
		fi
	}
}

/* The helper: fills the stock with fresh ones, takes back what nobody wants. */
proctype helper()
{
	byte i, found, rounds = 0;
	bool pushed;

	do
	:: rounds < 3 ->
		if
		:: take_fresh()
		:: pop()
		fi;
		if
		:: found != NONE ->
			push(found);
			/* all slots in use: it keeps it, and tries again later */
			do
			:: !pushed -> push(found)
			:: else -> break
			od
		:: else
		fi;
		rounds++
	:: else -> break
	od;
	working--
}

/* A thread of the program: from the stock, else fresh; sometimes what it had goes back. */
proctype taker()
{
	byte i, found, rounds = 0;
	bool pushed;

	do
	:: rounds < 2 ->
		pop();
		if
		:: found == NONE -> take_fresh()
		:: else
		fi;
		if
		:: found != NONE -> push(found)	/* retired; not pushed: it stays in this hand */
		:: else
		fi;
		rounds++
	:: else -> break
	od;
	working--
}

init {
	byte i, slot, count;

	atomic {
		fresh_end = SUPERSLABS;
		working = TAKERS + 1;
		run helper(); run taker(); run taker()
	}
	working == 0;
	/* each is fresh, in one slot, or in one hand */
	i = 1;
	do
	:: i <= SUPERSLABS ->
		count = hands[i];
		if :: i > fresh_next -> count++ :: else fi;
		slot = 0;
		do
		:: slot < SLOTS -> if :: slots[slot] == i -> count++ :: else fi; slot++
		:: else -> break
		od;
		assert(count == 1);
		i++
	:: else -> break
	od;
	slot = 0; count = 0;
	do
	:: slot < SLOTS -> if :: slots[slot] != NONE -> count++ :: else fi; slot++
	:: else -> break
	od;
	assert(length == count)
}
