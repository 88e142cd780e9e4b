/* The end of a run and the beginning of the next one: KillWatch::end, reclaim, Run::create, KillWatch::carry. The
   supervisor dies between any two steps and another one begins; a raiser comes at any moment and goes to the next run
   when it meets ENDED or no page (tools/ctl/kill.cpp).

   holds    kill_forgotten: a raise that was reported stands in the run that is there at last
   mutants  END_FIRST        a word is exchanged for ENDED before what it held is on disk
            UNREAD           a kill page without a control page (a death while publishing) is unlinked unread
            NOT_EXCHANGED    the words are read and the page is dropped, nobody writes ENDED
            NOT_CARRIED      the new run begins with RUN
   vacuity  SHOW_CARRIED */
#include "claim.pml"
#define kRun 1
#define kHalt 3
#define kEnded 15
#ifndef DEATHS
#define DEATHS 2
#endif
#define RUNS (DEATHS + 2)
byte word[RUNS];                   /* kill page of each run, one scope */
bool kill_magic[RUNS], control_magic[RUNS], linked[RUNS];
byte newest;                       /* the run whose names are in /dev/shm */
bool latch;                        /* kill.latch on disk */
bool reported, carried_once, die;
byte deaths = DEATHS;
CLAIM_NAME(kill_forgotten); CLAIM_NAME(unreachable);

/* end_words: what a word holds is durable before the word says ENDED. */
inline end_word(r) {
#ifdef NOT_EXCHANGED
  if :: word[r] == kHalt -> latch = true :: else -> skip fi;
#else
#ifdef END_FIRST
  if :: word[r] == kHalt -> latch = true :: else -> skip fi;
  atomic { held = word[r]; word[r] = kEnded };
  if :: held == kHalt -> latch = true :: else -> skip fi;
#else
  do
  :: held = word[r];
     if :: held == kHalt -> latch = true :: else -> skip fi;
     atomic { if :: word[r] == held -> word[r] = kEnded; break :: else -> skip fi }
  od;
#endif
#endif
  held = 0
}

/* The supervisor and its successors: end what is there, begin the next. The last one stays. */
proctype Supervisor() {
  byte held;
  bool carried;
again:
  {
    carried = latch;                                      /* load_latch */
    if
    :: linked[newest] && control_magic[newest] -> end_word(newest); carried = latch; control_magic[newest] = false
    :: linked[newest] && !control_magic[newest] ->
#ifndef UNREAD
         if :: kill_magic[newest] -> end_word(newest); carried = latch :: else -> skip fi
#else
         skip
#endif
    :: !linked[newest] -> skip
    fi;
    linked[newest] = false;
    atomic { newest + 1 < RUNS -> newest++; linked[newest] = true };      /* Run::create: magic is zero */
    word[newest] = kRun;
#ifndef NOT_CARRIED
    if :: carried -> word[newest] = kHalt; carried_once = true :: else -> skip fi;
#endif
    kill_magic[newest] = true;                            /* Run::publish: the control page last */
    control_magic[newest] = true;
  end_supervisor:
    do
    :: atomic { word[newest] == kHalt && !latch -> latch = true }         /* KillWatch::poll */
    od
  } unless { atomic { die -> die = false; held = 0; carried = false } }
  goto again
}

proctype Raiser() {
  byte r, seen;
end_raiser:
  do
  :: atomic { linked[newest] && kill_magic[newest] -> r = newest }        /* attached: the mapping stays */
     seen = word[r];
     do
     :: seen == kEnded -> break
     :: else -> atomic { if :: word[r] == seen -> word[r] = kHalt; reported = true; goto done
                            :: else -> seen = word[r] fi }
     od
  od;
done: skip
}

proctype Death() {
end_death: do :: atomic { deaths > 0 && !die -> deaths--; die = true } :: break od }

proctype Referee() {
  atomic { timeout ->
    CLAIM(kill_forgotten, !reported || word[newest] == kHalt);
#ifdef SHOW_CARRIED
    CLAIM(unreachable, !(reported && carried_once));
#endif
    skip }
}

init { atomic {
  word[0] = kRun; kill_magic[0] = true; control_magic[0] = true; linked[0] = true;
  run Supervisor(); run Raiser(); run Death(); run Referee() } }
