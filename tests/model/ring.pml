/* The ring of core/ring.hpp: its two ends die at any step and are followed by another owner, a tap reads along.
   What only memory orders can break is not here (steps are sequentially consistent): ring_relacy.cpp.

   Payload of two words instead of seven: enough to be torn. Record i holds i + 1 in both, so the awaited word,
   the first and the second are the same number.

   holds    record_torn, record_skipped, slot_reused_early, corrupt_latched, tap_torn; everything is delivered
   mutants  HEARTBEAT_AGE       the lease is given away because the owner was silent, not because it is dead
            PUBLISH_FIRST       the word is stored before the payload
            NOT_CLEARED         the word is not cleared before the payload changes (only taps see it)
            TAP_READS_ONCE      a tap does not read the word again
            HEAD_BEFORE_COPY    the consumer gives a slot back before it has copied it
            CURSOR_IS_HEAD      a new consumer goes on at `head` instead of behind its journal
            RESUME_AT_WORDS     a new producer goes on at the highest word and does not look at `head` (capacity 1)
   vacuity  SHOW_CUT, SHOW_LAP, SHOW_END: something that must be reachable, claimed not to be */
#include "claim.pml"
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define SLOT(i) ((i) % CAPACITY)
#define MAX(a, b) ((a) > (b) -> (a) : (b))

byte word[CAPACITY], first[CAPACITY], second[CAPACITY];  /* Slot */
byte head;                                                /* RingMemory::head */
byte journaled;                                           /* durable: records the consumer has taken */
byte deaths = DEATHS;
bool kill_producer, kill_consumer;
bool cut, lapped;                                         /* ghosts */
CLAIM_NAME(record_torn); CLAIM_NAME(record_skipped); CLAIM_NAME(slot_reused_early);
CLAIM_NAME(corrupt_latched); CLAIM_NAME(tap_torn); CLAIM_NAME(unreachable);

/* BasicProducer::push */
inline push(next) {
  /* A slot is given back only when its record is journaled: the consumer may still have to read it. */
  atomic { CLAIM(slot_reused_early, next < CAPACITY || journaled + CAPACITY > next);
#ifndef NOT_CLEARED
           word[SLOT(next)] = 0
#endif
         }
#ifdef PUBLISH_FIRST
  word[SLOT(next)] = next + 1;
#endif
  first[SLOT(next)] = next + 1;
  second[SLOT(next)] = next + 1;
#ifndef PUBLISH_FIRST
  word[SLOT(next)] = next + 1;
#endif
  next++
}

/* One owner of the producing end. `twin`: started beside a living owner, which only HEARTBEAT_AGE does. */
proctype Producer(bool twin) {
  byte next, head_seen, i;
again:
  { head_seen = head;                                     /* published(): head, then every word */
#ifndef RESUME_AT_WORDS
    next = head_seen;
#endif
    do
    :: i < CAPACITY -> atomic { next = MAX(next, word[i]); i++ }
    :: else -> i = 0; break
    od;
  end_producer:
    do
    :: next < RECORDS && next >= head_seen && next - head_seen < CAPACITY -> push(next)
    :: next < RECORDS && next - head_seen >= CAPACITY && head != head_seen -> head_seen = head
    od
  } unless { atomic { kill_producer && !twin ->           /* proven dead: nothing of it acts any more */
      kill_producer = false; cut = cut || word[SLOT(next)] == 0; next = 0; head_seen = 0; i = 0 } }
  goto again
}

proctype Consumer() {
  byte next, seen, a, b;
again:
  {
#ifdef CURSOR_IS_HEAD
    next = head;
#else
    next = journaled;
#endif
    head = next;
  end_consumer:
    do
    :: atomic { word[SLOT(next)] == next + 1 -> seen = next + 1 }
#ifdef HEAD_BEFORE_COPY
       head = next + 1;
#endif
       a = first[SLOT(next)];
       b = second[SLOT(next)];
       atomic {                                           /* journaled; the tail is released */
         CLAIM(record_torn, a == seen && b == seen);
         CLAIM(record_skipped, seen == journaled + 1);
         journaled = seen; next = seen; seen = 0; a = 0; b = 0 }
       if
       :: head = next                                     /* when due, or when idle; a batch may wait */
       :: word[SLOT(next)] == next + 1 && next - head < CAPACITY -> skip
       fi
    :: atomic { word[SLOT(next)] != next + 1 && word[SLOT(next)] != 0 &&
                !(word[SLOT(next)] <= next && SLOT(word[SLOT(next)] + CAPACITY - 1) == SLOT(next)) ->
         CLAIM(corrupt_latched, false) }
    :: atomic { word[SLOT(next)] != next + 1 && head != next -> head = next }
    od
  } unless { atomic { kill_consumer ->
      kill_consumer = false; next = 0; seen = 0; a = 0; b = 0 } }
  goto again
}

#ifdef TAP
/* RingTap::read, and skip() when it was lapped. */
proctype Tap() {
  byte next, seen, a, b;
end_tap:
  do
  :: atomic { word[SLOT(next)] == next + 1 -> seen = next + 1 }
     a = first[SLOT(next)];
     b = second[SLOT(next)];
     atomic {
#ifdef TAP_READS_ONCE
       CLAIM(tap_torn, a == seen && b == seen);
#else
       CLAIM(tap_torn, word[SLOT(next)] != seen || (a == seen && b == seen));
#endif
       if
       :: word[SLOT(next)] == seen -> next++
       :: else -> lapped = true; next = MAX(next + 1, MAX(head, seen))
       fi;
       seen = 0; a = 0; b = 0 }
  :: atomic { word[SLOT(next)] > next + 1 -> lapped = true; next = word[SLOT(next)] - 1 }
  od
}
#endif

proctype Death() {
end_death:
  do
  :: atomic { deaths > 0 && !kill_producer -> deaths--; kill_producer = true }
  :: atomic { deaths > 0 && !kill_consumer -> deaths--; kill_consumer = true }
  :: break                                                /* or nobody dies any more */
  od
}

proctype Referee() {
  atomic { timeout ->
    CLAIM(record_skipped, journaled == RECORDS);          /* at rest everything was delivered */
#ifdef SHOW_CUT
    CLAIM(unreachable, !cut);
#endif
#ifdef SHOW_LAP
    CLAIM(unreachable, !lapped);
#endif
#ifdef SHOW_END
    CLAIM(unreachable, false);
#endif
  }
}

init { atomic {
  run Producer(false);
#ifdef HEARTBEAT_AGE
  run Producer(true);
#endif
  run Consumer();
#ifdef TAP
  run Tap();
#endif
  run Death(); run Referee() } }

ltl heads_behind_journal { [] (head <= journaled) }
