/* SPDX-License-Identifier: MIT */
/*
 * lib/front/seizure.c, lease.c and the fast paths: a thread pops and pushes without a barrier,
 * while somebody seizes its cache, empties the bin into slabs and gives the cache back. Shown:
 * they never work in it at the same time, no block is in two places, and none is lost.
 *
 * The thread's stores go through a buffer and reach memory later, those to different places in any
 * order, as on ARM; but a release store leaves it after all that are older. Its loads see its own.
 * A barrier in all threads empties the buffer. Who seizes is sequentially consistent: its steps
 * are system calls, and reads with a barrier between.
 */
#define BLOCKS		3
#define SLOTS		6
#define BUFFER		5
#define ROUNDS		2

#define WORKING		0	/* places in memory; 0 is stored there with release */
#define CLOSED		1	/* of bin_of_step: every step leads to an empty bin */
#define TOP		2	/* how many slots are filled */
#define SLOT		2	/* SLOT + 1 …: the array */
#define PLACES		9

mtype = { OWNED, SEIZED, RESTING, BIN, LIVE, SLAB };

byte memory[PLACES];
byte pending_place[BUFFER], pending_value[BUFFER], pending;
mtype hold = OWNED;
byte taken;			/* how many of the slots are void; by hold */
mtype where[BLOCKS + 1];	/* a ghost */
bool inside, slow;		/* ghosts: who works in slabs */
bool ready, done, over;

inline drain_at(which)
{
	memory[pending_place[which]] = pending_value[which];
	i = which + 1;
	do
	:: i < pending ->
		pending_place[i - 1] = pending_place[i];
		pending_value[i - 1] = pending_value[i];
		i++
	:: else -> break
	od;
	pending--
}

#define IS_RELEASE(which)	(pending_place[which] == WORKING && pending_value[which] == 0)
#define IS_SAME(one, other)	(pending_place[one] == pending_place[other])

inline store(place, value)
{
	d_step {
		if :: pending == BUFFER -> drain_at(0) :: else fi;
		pending_place[pending] = place;
		pending_value[pending] = value;
		pending++
	}
}

inline load(place, value)
{
	d_step {
		value = memory[place];
		i = 0;
		do
		:: i < pending ->
			if :: pending_place[i] == place -> value = pending_value[i] :: else fi;
			i++
		:: else -> break
		od
	}
}

inline drain()
{
	d_step { do :: pending > 0 -> drain_at(0) :: else -> break od }
}

active proctype buffer()
{
	byte i;

	do
	:: atomic { pending > 0 -> drain_at(0) }
	:: atomic { pending > 1 && !IS_RELEASE(1) && !IS_SAME(0, 1) -> drain_at(1) }
	:: atomic {
		pending > 2 && !IS_RELEASE(2) && !IS_SAME(0, 2) && !IS_SAME(1, 2) -> drain_at(2)
	   }
	:: done && pending == 0 -> break
	od
}

/* thread_cache_reopen: what was pushed meanwhile closes up. */
inline reopen()
{
	load(TOP, top);
	slot = taken;
	do
	:: taken > 0 && slot < top ->
		slot++;
		load(SLOT + slot, block);
		store(SLOT + slot - taken, block)
	:: else -> break
	od;
	store(TOP, top - taken);
	taken = 0;
	store(CLOSED, 0)
}

/* lease_take_own: with WORKING set. has: whether the thread may work. */
inline lease()
{
	store(WORKING, 1);
	has = (hold == OWNED);
	if
	:: !has ->
		/* heap_resume: a compare-and-swap, which empties the buffer */
		atomic {
			drain();
			if
			:: hold == RESTING -> hold = OWNED; has = true
			:: else
			fi
		};
		if :: has -> reopen() :: else -> store(WORKING, 0) fi
	:: else
	fi
}

/* A refill, all of it in one: from the slab to the thread. */
inline refill()
{
	lease();
	if
	:: has ->
		slow = true;
		assert(!inside);
		if
		:: where[1] == SLAB -> where[1] = LIVE
		:: where[1] != SLAB && where[2] == SLAB -> where[2] = LIVE
		:: else
		fi;
		assert(!inside);
		slow = false;
		store(WORKING, 0)
	:: else
	fi
}

inline pop()
{
	store(WORKING, 1);
	load(CLOSED, closed);
	top = 0;
	if
	:: closed -> skip
	:: else -> load(TOP, top)
	fi;
	if
	:: top == 0 -> refill()
	:: else ->
		load(SLOT + top, block);
		store(TOP, top - 1);
		d_step { assert(where[block] == BIN); where[block] = LIVE };
		store(WORKING, 0)
	fi
}

inline push(which)
{
	load(TOP, top);
	assert(top < SLOTS);
	d_step { assert(where[which] == LIVE); where[which] = BIN };
	store(SLOT + top + 1, which);
	store(TOP, top + 1)
}

active proctype thread()
{
	byte i, top, slot, block, rounds = 0;
	bool has, closed;

	ready;
	do
	:: rounds < ROUNDS ->
		if
		:: pop()
		:: where[1] == LIVE -> push(1)
		:: where[2] == LIVE -> push(2)
		:: where[3] == LIVE -> push(3)
		fi;
		rounds++
	:: else -> break
	od;
	/* the next slow path, when nobody seizes any more */
	over;
	lease();
	assert(has);
	drain();
	done = true
}

/* seizure_empty, of one bin */
inline empty_bin()
{
	top = memory[TOP];
	drain();	/* the third barrier */
	do
	:: taken < top ->
		d_step {
			block = memory[SLOT + taken + 1];
			assert(where[block] == BIN);
			where[block] = SLAB;
			taken++
		}
	:: break	/* all of them, or the thread wants its cache back */
	od
}

active proctype seizer()
{
	byte i, top, block, rounds = 0;

	ready;
	do
	:: rounds < 2 ->
		if
		:: atomic { hold == OWNED -> hold = SEIZED }
		:: atomic { hold == RESTING -> hold = SEIZED }
		fi;
		drain();	/* a barrier in all threads */
		if
		:: !memory[WORKING] ->
			/* no slow path is on its way any more that would open what is closed here */
			memory[CLOSED] = 1;
			drain();
			if
			:: !memory[WORKING] ->
				inside = true;
				assert(!slow);
				empty_bin();
				assert(!slow);
				inside = false
			:: else
			fi
		:: else
		fi;
		hold = RESTING;
		rounds++
	:: else -> break
	od;
	over = true
}

init {
	byte i, block;

	atomic {
		where[1] = BIN; where[2] = BIN; where[3] = LIVE;
		memory[SLOT + 1] = 1; memory[SLOT + 2] = 2; memory[TOP] = 2;
		ready = true
	};
	(done && pending == 0 && hold == OWNED && !inside);
	/* each block of the bin is in the array, once */
	i = 1;
	do
	:: i <= memory[TOP] ->
		block = memory[SLOT + i];
		assert(where[block] == BIN);
		where[block] = 0;
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i <= BLOCKS -> assert(where[i] != BIN); i++
	:: else -> break
	od
}
