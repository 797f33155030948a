/* SPDX-License-Identifier: MIT */
/*
 * lib/back/superslab.c, superslab_claim.c and index_stack.h: the units of a superslab are taken
 * under the lock, put without it, claimed by the helper and by whoever trims for releasing, and
 * put back by them. Shown: no unit is in two hands; what is released nobody writes to meanwhile;
 * a unit called zeroed is zero; units with pages are counted as often as there are; and when all
 * is quiet a superslab that is not in its list is on the stack of those to be moved, so nothing
 * that is free is forgotten.
 *
 * One superslab of two units: every step on its word is one atomic operation.
 */
#define UNITS		2
#define ALL		3
#define NONE		0
#define ON_STACK	1	/* its link; 0: it is on no stack */

byte free_bits = ALL, away_bits;	/* the two halves of one word */
byte populated, dirty;
short counted;			/* of units with pages */
byte written;			/* a ghost: units that hold other than zeroes */
byte holder[UNITS];		/* a ghost: who has the unit; 0: nobody */
byte listed_free = ALL;		/* by how many free units its list is: the mask stands for it */
byte stack, link;		/* of superslabs to be moved */
bool lock;
byte working;

#define BIT(unit)	(1 << unit)
#define HELPER	8
#define TRIM	9
#define COUNT(mask)	((mask & 1) + (mask >> 1))

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

proctype program(byte me; byte rounds)
{
	byte unit, taken, seen;
	bool zeroed;

	do
	:: rounds > 0 ->
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
				d_step {
					seen = populated & BIT(unit);
					populated = populated | BIT(unit)
				};
				d_step { counted = counted + (seen -> 0 : 1); seen = 0 };
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
		rounds--
	:: else -> break
	od;
	working--
}

/* The units are free again, and no longer the caller's. */
inline put_units(units)
{
	d_step {
		if :: units & 1 -> assert(holder[0] == me); holder[0] = 0 :: else fi;
		if :: units & 2 -> assert(holder[1] == me); holder[1] = 0 :: else fi;
		away_bits = away_bits & ~(units);
		free_bits = free_bits | (units)
	};
	note()
}

proctype releaser(byte me; byte rounds)
{
	byte claimed, word, away_word, bare;

	do
	:: rounds > 0 ->
		/* superslab_claim */
		d_step { word = free_bits; away_word = away_bits };
		claimed = word & populated;
		d_step {	/* the compare-and-swap */
			if
			:: free_bits != word || away_bits != away_word -> claimed = 0
			:: else ->
				free_bits = free_bits & ~claimed;
				away_bits = away_bits | claimed;
				if :: claimed & 1 -> assert(holder[0] == 0); holder[0] = me :: else fi;
				if :: claimed & 2 -> assert(holder[1] == 0); holder[1] = me :: else fi
			fi;
			word = 0;
			away_word = 0
		};
		bare = claimed & ~populated;
		if
		:: bare -> put_units(bare); claimed = claimed & ~bare
		:: else
		fi;
		if
		:: claimed ->
			if
			:: written = written & ~claimed;	/* the kernel drops the pages */
			   populated = populated & ~claimed;
			   counted = counted - COUNT(claimed);
			   dirty = dirty & ~claimed
			:: true		/* refused: they stay dirty */
			fi;
			put_units(claimed)
		:: else
		fi;
		bare = 0;
		rounds--
	:: else -> break
	od;
	working--
}

init {
	/* Two that release, or one that does it for longer: both at once are too many steps. */
	atomic {
		working = 4;
		if
		:: run program(1, 2); run program(2, 2); run releaser(HELPER, 2); run releaser(TRIM, 0)
		:: run program(1, 1); run program(2, 1); run releaser(HELPER, 1); run releaser(TRIM, 1)
		fi
	}
	working == 0;
	assert(counted == COUNT(populated));
	assert(free_bits == ALL && away_bits == 0);
	assert(listed_free == free_bits || (link == ON_STACK && stack == 1))
}
