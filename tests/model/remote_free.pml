/* SPDX-License-Identifier: MIT */
/*
 * lib/middle/remote_free.c: two senders push messages into an inbox by compare-and-swap; the
 * owner takes all by one exchange, reads some or all of them, returns what it has read to the
 * outbox it came from, and ends. What arrives afterwards is read by a sender that visits the
 * waiting heap, and what arrives meanwhile by whoever lets go. Each sender has one message (a chain of them is pushed as one is), which it sends
 * again and again. Shown: every block comes home exactly once, the inbox is read by one at a time,
 * nothing waits in it when all is done, and a message that comes back to the inbox while another
 * is being pushed does no harm.
 *
 * Senders look at idle after they have pushed, and who lets go of the heap looks at the inbox
 * after that: nobody else is needed at the end.
 */
#define SENDERS		2
#define BLOCKS		3	/* of each sender */
#define NONE		0

byte inbox;			/* message + 1, NONE: empty; a sender's number is its message's */
byte received;			/* the owner's: taken, not yet read */
byte next[SENDERS];
byte block_of[SENDERS];
byte returned[SENDERS];		/* stacks of messages, for their senders */
byte home[SENDERS * BLOCKS];	/* how often it came home */
byte sent[SENDERS];		/* ghosts: blocks on their way, or home */
bool idle;
bool draining;			/* a ghost: somebody acts as the owner */
byte working;

/* Some of the messages, or all. */
inline drain(some)
{
	assert(!draining);
	draining = true;
	do
	:: received == NONE && inbox == NONE -> break
	:: received == NONE && inbox != NONE ->
		d_step { received = inbox; inbox = NONE }	/* atomic_exchange */
	:: received != NONE ->
		message = received;
		received = next[message - 1];
		home[block_of[message - 1]]++;
		assert(home[block_of[message - 1]] == 1);
		/* remote_free_return: the one message of its sender, so the stack is empty */
		assert(returned[message - 1] == NONE);
		returned[message - 1] = message
	:: some && received != NONE -> break
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

inline visit_if_idle()
{
	do
	:: idle ->
		if
		:: inbox != NONE ->
			adopt_this();
			if
			:: adopted -> drain(false); abandon()
			:: else -> break
			fi
		:: else -> break
		fi
	:: else -> break
	od
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
	byte head, message;
	bool adopted, has = true;

	do
	:: sent[number] < BLOCKS && has ->
		block_of[number] = number * BLOCKS + sent[number];
		sent[number]++;
		has = false;
		push(number);
		visit_if_idle()
	:: sent[number] < BLOCKS && !has && returned[number] != NONE ->
		d_step { has = (returned[number] != NONE); returned[number] = NONE }
	:: !has -> break	/* it would take another message */
	:: sent[number] == BLOCKS -> break
	od;
	working--
}

proctype owner()
{
	byte message, rounds = 0;
	bool adopted;

	do
	:: rounds < 2 -> drain(true); rounds++
	:: break
	od;
	drain(false);
	abandon();
	visit_if_idle();
	working--
}

init {
	byte i, k;

	atomic { working = SENDERS + 1; run owner(); run sender(0); run sender(1) }
	working == 0;
	assert(idle);
	assert(inbox == NONE && received == NONE);
	i = 0;
	do
	:: i < SENDERS ->
		k = 0;
		do
		:: k < BLOCKS -> assert(home[i * BLOCKS + k] == (k < sent[i])); k++
		:: else -> break
		od;
		i++
	:: else -> break
	od
}
