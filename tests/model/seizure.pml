/* SPDX-License-Identifier: MIT */
/*
 * lib/front/seizure.c, lease.c and the fast paths: a thread pops and pushes without a barrier,
 * while somebody seizes its cache, empties the bin into slabs and gives the cache back. Shown:
 * they never work in it at the same time, no block is in two places, and none is lost.
 *
 * The thread's stores go through a buffer and reach memory later, in order, as on x86; its loads
 * see its own. A barrier in all threads empties the buffer. Who seizes is sequentially consistent:
 * its steps are exchanges and system calls.
 */
#define BLOCKS		3
#define NONE		0
#define BUFFER		5
#define ROUNDS		2

#define WORKING		0	/* places in memory */
#define PUSHING		1
#define CLOSED		2	/* of bin_of_step: every step leads to an empty bin */
#define HEAD		3
#define NEXT		3	/* NEXT + block: the link in it */
#define PLACES		7

mtype = { OWNED, SEIZED, RESTING, BIN, LIVE, SLAB };

byte memory[PLACES];
byte pending_place[BUFFER], pending_value[BUFFER], pending;
mtype hold = OWNED;
byte rest;			/* what who seized left behind; by hold */
mtype where[BLOCKS + 1];	/* a ghost */
bool inside, slow;		/* ghosts: who works in slabs */
bool ready, done, over;

inline drain_one()
{
	memory[pending_place[0]] = pending_value[0];
	i = 1;
	do
	:: i < pending ->
		pending_place[i - 1] = pending_place[i];
		pending_value[i - 1] = pending_value[i];
		i++
	:: else -> break
	od;
	pending--
}

inline store(place, value)
{
	d_step {
		if :: pending == BUFFER -> drain_one() :: else fi;
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
	d_step { do :: pending > 0 -> drain_one() :: else -> break od }
}

active proctype buffer()
{
	byte i;

	do
	:: atomic { pending > 0 -> drain_one() }
	:: done && pending == 0 -> break
	od
}

/* thread_cache_reopen: what was left goes behind what was pushed meanwhile. */
inline reopen()
{
	load(HEAD, head);
	if
	:: rest == NONE -> skip
	:: rest != NONE && head == NONE -> store(HEAD, rest)
	:: rest != NONE && head != NONE ->
		block = head;
		do
		:: block == rest -> break
		:: else ->
			load(NEXT + block, next);
			if
			:: next == NONE -> store(NEXT + block, rest); break
			:: else -> block = next
			fi
		od
	fi;
	rest = NONE;
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
	head = NONE;
	if
	:: closed -> skip
	:: else -> load(HEAD, head)
	fi;
	if
	:: head == NONE -> refill()
	:: else ->
		load(NEXT + head, next);
		store(HEAD, next);
		d_step { assert(where[head] == BIN); where[head] = LIVE };
		store(WORKING, 0)
	fi
}

inline push(which)
{
	store(PUSHING, 1);
	load(HEAD, head);
	store(NEXT + which, head);
	d_step { assert(where[which] == LIVE); where[which] = BIN };
	store(HEAD, which);
	store(PUSHING, 0)
}

active proctype thread()
{
	byte i, head, next, block, rounds = 0;
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
	list = NONE;
	if
	:: rest == NONE -> d_step { list = memory[HEAD]; memory[HEAD] = NONE }
	:: else
	fi;
	if
	:: list != NONE ->
		drain();	/* the second barrier */
		linked = memory[PUSHING];
		/* A push that is over may have linked its block to the first of them. */
		block = memory[HEAD];
		do
		:: block == list -> linked = 1; break
		:: block == NONE -> break
		:: else -> block = memory[NEXT + block]
		od;
		first = NONE;
		if
		:: linked -> first = list; list = memory[NEXT + first]
		:: else
		fi;
		do
		:: list != NONE ->
			d_step {
				assert(where[list] == BIN);
				where[list] = SLAB;
				list = memory[NEXT + list]
			}
		:: break	/* all of them, or the thread wants its cache back */
		od;
		if
		:: first != NONE -> memory[NEXT + first] = list; rest = first
		:: else -> rest = list
		fi
	:: else
	fi
}

active proctype seizer()
{
	byte i, list, first, block, linked, rounds = 0;

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
	byte i, block, next, found;

	atomic {
		where[1] = BIN; where[2] = BIN; where[3] = LIVE;
		memory[HEAD] = 1; memory[NEXT + 1] = 2;
		ready = true
	};
	(done && pending == 0 && hold == OWNED && !inside);
	/* each block of the bin is in the list, once */
	block = memory[HEAD];
	do
	:: block != NONE ->
		assert(where[block] == BIN);
		found++;
		assert(found <= BLOCKS);
		block = memory[NEXT + block]
	:: else -> break
	od;
	i = 1;
	do
	:: i <= BLOCKS -> if :: where[i] == BIN -> found-- :: else fi; i++
	:: else -> break
	od;
	assert(found == 0)
}
