/* SPDX-License-Identifier: MIT */
/*
 * lib/middle/remote_free.c: two senders push messages into an inbox by compare-and-swap, the
 * owner takes all by one exchange, and ends; what arrives afterwards is drained by a sender
 * that adopts the waiting heap. Shown: every block comes home exactly once, the inbox is
 * drained by one at a time, and nothing waits in it when all is done and the heap is idle.
 *
 * Senders look at idle after they have pushed. The owner drains, then abandons the heap, and a
 * message that came in between waits for the next who pushes, trims, or adopts: that is the
 * taker at the end.
 */
#define SENDERS		2
#define MESSAGES	2	/* of each sender */
#define NONE		0

byte inbox;			/* message + 1, NONE: empty */
byte next[SENDERS * MESSAGES];
byte home[SENDERS * MESSAGES];	/* how often it came home */
bool idle;
bool draining;			/* a ghost: somebody acts as the owner */
byte working;

inline drain()
{
	assert(!draining);
	draining = true;
	d_step { message = inbox; inbox = NONE }	/* atomic_exchange */
	do
	:: message != NONE ->
		home[message - 1]++;
		assert(home[message - 1] == 1);
		message = next[message - 1]
	:: else -> break
	od;
	draining = false
}

/* Under the heap list lock: one step. */
inline adopt_this()
{
	d_step { adopted = idle; if :: idle -> idle = false :: else fi }
}

inline abandon()
{
	idle = true
}

inline push(which)
{
	do
	:: head = inbox;
	   next[which] = head;
	   if
	   :: atomic { inbox == head -> inbox = which + 1 }; break
	   :: atomic { inbox != head -> skip }	/* the swap fails, also when spuriously */
	   fi
	od
}

proctype sender(byte number)
{
	byte head, message, sent = 0;
	bool adopted;

	do
	:: sent < MESSAGES ->
		push(number * MESSAGES + sent);
		sent++;
		if
		:: idle ->
			adopt_this();
			if
			:: adopted -> drain(); abandon()
			:: else
			fi
		:: else
		fi
	:: else -> break
	od;
	working--
}

proctype owner()
{
	byte message, rounds = 0;

	do
	:: rounds < 2 -> drain(); rounds++
	:: break
	od;
	drain();
	abandon();
	working--
}

init {
	byte message, i;
	bool adopted;

	atomic { working = SENDERS + 1; run owner(); run sender(0); run sender(1) }
	working == 0;
	assert(idle);
	/* the next thread, or malloc_trim */
	adopt_this();
	assert(adopted);
	drain();
	i = 0;
	do
	:: i < SENDERS * MESSAGES -> assert(home[i] == 1); i++
	:: else -> break
	od
}
