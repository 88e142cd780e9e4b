/* The journal is the cursor: Driver::turn, CheckpointWriter and Driver::recover (core/driver.hpp, core/checkpoint.hpp,
   core/driver_recovery.hpp). A stage takes inputs, in each of them something that only the moment knows (the time), and
   makes outputs; it dies between any two steps, what is private is gone, and a successor begins.

   holds    input_lost       no input is given back before it is journaled
            output_early     nothing is published of an input that is not committed
            output_again     output k of an edge is published once
            output_wrong     and is what the journal says
            state_differs    a successor has the state that the journal says
   mutants  HEAD_FIRST       the input is given back before the tail is released
            OUTPUT_FIRST     outputs before the tail
            PUBLISH_ALL      recovery publishes what is there already
            TIME_AGAIN       recovery asks the clock instead of the journal
            CHECKPOINT_FIRST a checkpoint before the tail, and one above the tail is believed
            NOT_CLEARED      the mark stays while a checkpoint is written over an older one
   vacuity  SHOW_CUT (a death with some outputs of a turn published), SHOW_CHECKPOINT (one is used), SHOW_END */
#include "claim.pml"
#ifndef INPUTS
#define INPUTS 4
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
/* Shared memory. */
bit entry[INPUTS];            /* what the journal holds of each input: its moment; slots above the tail are scratch */
byte tail, head;              /* journal: committed; input ring: given back */
byte out[INPUTS], published;  /* output ring: what and how many */
bool mark[2];                 /* checkpoints: whole */
byte kept_at[2], kept_made[2], kept_sum[2];
byte available;
byte deaths = DEATHS;
bool die, cut, used;
CLAIM_NAME(input_lost); CLAIM_NAME(output_early); CLAIM_NAME(output_again); CLAIM_NAME(output_wrong);
CLAIM_NAME(state_differs); CLAIM_NAME(unreachable);

/* One input, one state: an input makes an output if its moment or its number is odd. The output carries the sum, so a
   wrong state shows in it. */
inline apply(moment) {
  sum = (sum + moment + 1) % 8;
  if
  :: moment == 1 || at % 2 == 1 -> lane[made - base] = sum; made++
  :: else -> skip
  fi;
  at++
}
/* What the journal says, by itself. */
inline expect(limit) {
  e_at = 0; e_made = 0; e_sum = 0;
  do
  :: e_at < limit ->
       e_sum = (e_sum + entry[e_at] + 1) % 8;
       if
       :: entry[e_at] == 1 || e_at % 2 == 1 ->
            if :: e_made < published && out[e_made] != e_sum -> wrong = true :: else -> skip fi;
            e_made++
       :: else -> skip
       fi;
       e_at++
  :: else -> break
  od
}
inline judge() {
  d_step {
    wrong = false;
    expect(tail);
    CLAIM(output_wrong, !wrong);
    CLAIM(output_early, published <= e_made);
    CLAIM(input_lost, head <= tail);
    e_at = 0; e_made = 0; e_sum = 0; wrong = false
  }
}
inline publish() {
  k = base;
  do
  :: k < made ->
       CLAIM(output_again, k == published);
       atomic { out[k] = lane[k - base]; published = k + 1 };
       k++
  :: else -> break
  od;
  k = 0
}
inline give_back() { head = at }
inline commit() { tail = at }
inline keep() {
  /* Over the older one. Position, state and mark are stores of their own. */
  c = 0;
  if :: mark[0] && (!mark[1] || kept_at[0] >= kept_at[1]) -> c = 1 :: else -> skip fi;
#ifndef NOT_CLEARED
  mark[c] = false;
#endif
  kept_at[c] = at;
  kept_made[c] = made;
  kept_sum[c] = sum;
  mark[c] = true;
  c = 0
}
inline recover() {
  at = 0; made = 0; sum = 0;
  /* The newest whole one that is not above the tail. */
  if
#ifdef CHECKPOINT_FIRST
  :: mark[0] && (!mark[1] || kept_at[0] >= kept_at[1]) -> c = 1
  :: mark[1] && (!mark[0] || kept_at[1] > kept_at[0]) -> c = 2
#else
  :: mark[0] && kept_at[0] <= tail && (!mark[1] || kept_at[1] > tail || kept_at[0] >= kept_at[1]) -> c = 1
  :: mark[1] && kept_at[1] <= tail && (!mark[0] || kept_at[0] > tail || kept_at[1] > kept_at[0]) -> c = 2
#endif
  :: else -> skip
  fi;
  if :: c > 0 -> at = kept_at[c - 1]; made = kept_made[c - 1]; sum = kept_sum[c - 1]; used = true :: else -> skip fi;
  c = 0;
  do
  :: at < tail ->
       base = made;
#ifdef TIME_AGAIN
       if :: moment = 0 :: moment = 1 fi;
#else
       moment = entry[at];
#endif
       d_step { apply(moment) };
#ifdef PUBLISH_ALL
       publish()
#else
       if :: base >= published -> publish() :: else -> skip fi
#endif
  :: else -> break
  od;
  moment = 0;
  d_step {
    wrong = false;
    expect(tail);
    CLAIM(state_differs, at >= tail && at == e_at && made == e_made && sum == e_sum);
    e_at = 0; e_made = 0; e_sum = 0; wrong = false
  };
  give_back()
}

proctype Stage() {
  byte at, made, sum, base, k, c, e_at, e_made, e_sum;
  byte lane[2];
  bit moment;
  bool wrong;
again:
  {
    recover();
    do
    :: available > at ->
         /* A turn of one input or two. */
         base = made;
         do
         :: available > at && at - tail < 2 ->
              if :: moment = 0 :: moment = 1 fi;
              entry[at] = moment;
              d_step { apply(moment); moment = 0 }
         :: at > tail -> break
         od;
#ifdef HEAD_FIRST
         give_back();
#endif
#ifdef CHECKPOINT_FIRST
         if :: keep() :: skip fi;
#endif
#ifdef OUTPUT_FIRST
         publish();
         commit();
#else
         commit();
         publish();
#endif
         base = made;
         lane[0] = 0; lane[1] = 0;
         give_back();
#ifndef CHECKPOINT_FIRST
         if :: keep() :: skip fi
#endif
    :: at == INPUTS -> break
    od
  } unless { atomic { die ->
    die = false;
    cut = cut || (published > base && published < made);
    judge();
    at = 0; made = 0; sum = 0; base = 0; k = 0; c = 0; lane[0] = 0; lane[1] = 0; moment = 0;
    goto again } };
  judge();
#ifdef SHOW_END
  CLAIM(unreachable, !(tail == INPUTS && deaths == 0));
#endif
#ifdef SHOW_CUT
  CLAIM(unreachable, !cut);
#endif
#ifdef SHOW_CHECKPOINT
  CLAIM(unreachable, !used);
#endif
end_stage: skip
}

proctype Feed() {
end_feed: do :: atomic { available < INPUTS -> available++ } :: available == INPUTS -> break od }

proctype Death() {
end_death: do :: atomic { deaths > 0 && !die -> deaths--; die = true } :: break od }

init { atomic { run Stage(); run Feed(); run Death() } }
