/* SPDX-License-Identifier: MIT */
/*
 * lib/back/superslab.c and index_stack.h: the units of a superslab are taken under the lock,
 * put without it, claimed by the helper for releasing, and put back by it. Shown: no unit is
 * in two hands; what the helper releases nobody writes to meanwhile; a unit called zeroed is
 * zero; and when all is quiet a superslab that is not in its list is on the stack of those
 * to be moved, so nothing that is free is forgotten.
 *
 * One superslab of two units: every step on its word is one atomic operation.
 */
#define UNITS		2
#define ALL		3
#define NONE		0
#define ON_STACK	1	/* its link; 0: it is on no stack */

byte free_bits = ALL, away_bits;	/* the two halves of one word */
byte populated, dirty;
byte written;			/* a ghost: units that hold other than zeroes */
byte holder[UNITS];		/* a ghost: who has the unit; 0: nobody */
byte listed_free = ALL;		/* by how many free units its list is: the mask stands for it */
byte stack, link;		/* of superslabs to be moved */
bool lock;
byte working;

#define HELPER	9
#define BIT(unit)	(1 << unit)

inline take_lock()
{
	atomic { !lock -> lock = true }
}

inline put_lock()
{
	lock = false
}

/* index_stack_push: the link first, then the head. */
inline note()
{
	if
	:: atomic { link == NONE -> link = ON_STACK }; stack = 1
	:: atomic { link != NONE -> skip }
	fi
}

/* superslab_list_again_noted, with the lock */
inline list_again_noted()
{
	d_step { taken = stack; stack = 0 };
	if
	:: taken ->
		link = NONE;
		listed_free = free_bits	/* read after the link is 0 */
	:: else
	fi
}

proctype program(byte me)
{
	byte rounds = 0, unit, taken, seen;
	bool zeroed;

	do
	:: rounds < 2 ->
		take_lock();
		list_again_noted();
		unit = UNITS;
		if
		:: listed_free != 0 ->
			/* the compare-and-swap that succeeds */
			d_step {
				if
				:: free_bits & 2 -> unit = 1
				:: !(free_bits & 2) && (free_bits & 1) -> unit = 0
				:: else
				fi;
				if
				:: unit < UNITS ->
					free_bits = free_bits & ~BIT(unit);
					assert(holder[unit] == 0);
					holder[unit] = me
				:: else
				fi
			};
			if
			:: unit < UNITS ->
				populated = populated | BIT(unit);
				d_step {
					zeroed = !(dirty & BIT(unit));
					dirty = dirty | BIT(unit)
				}
			:: else
			fi;
			listed_free = free_bits
		:: else
		fi;
		put_lock();
		if
		:: unit < UNITS ->
			assert(!zeroed || !(written & BIT(unit)));
			written = written | BIT(unit);
			assert(holder[unit] == me);
			/* superslab_put_slab */
			d_step { holder[unit] = 0; free_bits = free_bits | BIT(unit) };
			note()
		:: else
		fi;
		rounds++
	:: else -> break
	od;
	working--
}

proctype helper()
{
	byte rounds = 0, claimed;
	bool works;

	do
	:: rounds < 2 ->
		/* superslab_claim */
		d_step {
			claimed = free_bits & populated;
			free_bits = free_bits & ~claimed;
			away_bits = away_bits | claimed;
			if :: claimed & 1 -> assert(holder[0] == 0); holder[0] = HELPER :: else fi;
			if :: claimed & 2 -> assert(holder[1] == 0); holder[1] = HELPER :: else fi
		};
		if
		:: claimed ->
			if
			:: works = true;
			   /* the kernel drops the pages */
			   written = written & ~claimed;
			   populated = populated & ~claimed;
			   dirty = dirty & ~claimed
			:: works = false	/* refused: they stay dirty */
			fi;
			d_step {
				if :: claimed & 1 -> assert(holder[0] == HELPER); holder[0] = 0 :: else fi;
				if :: claimed & 2 -> assert(holder[1] == HELPER); holder[1] = 0 :: else fi;
				away_bits = away_bits & ~claimed;
				free_bits = free_bits | claimed
			};
			note()
		:: else
		fi;
		rounds++
	:: else -> break
	od;
	working--
}

init {
	atomic { working = 3; run program(1); run program(2); run helper() }
	working == 0;
	assert(free_bits == ALL && away_bits == 0);
	assert(listed_free == free_bits || (link == ON_STACK && stack == 1))
}
