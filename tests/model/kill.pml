/* The kill protocol: core/kill_page.hpp (raise, rearm), core/watch.hpp (serial before words), core/driver.hpp
   (obeyed behind the scan, in the first turn that finds the session drained), gateway/last_look.cpp,
   tools/supervisor/kill_watch.cpp.

   One order, an entry or an exit, is approved at any moment. Raisers, who may die between any two steps; the
   supervisor completes what they left and rearms once. Either gate may stop for good (SIGSTOP), be fenced and start
   again. Bytes that were handed over leave later (`wire`): session.drained() says whether any are under way.

   holds    byte_after_complete, approved_after_complete (risk by itself), newer_raise_undone, queued_order_revived,
            epoch_repeated; every raise completes (otherwise: an invalid end state)
   parts    one raiser is checked whole; of two, or of one and a wild store, each part leaves something out:
            NO_REARM     nobody completes or rearms but the raisers
            GATES_OBEY   gates obey a serial at any moment, there is no order
            AT_ONCE=n    the last n raisers raise in one step and leave the completion to the supervisor
   mutants  FLAG_ONLY              a raise is complete when it is stored
            SECOND_SERIAL_OMITTED  the target is the serial taken before the CAS
            WORDS_BEFORE_SERIAL    a scan of risk reads the words first
            EPOCH_UNCHECKED        the last look does not compare kill epochs
            EPOCH_READ_FRESH       risk stamps the page's epochs of now, not those it decided with
            OBEYED_UNDRAINED       obeyed is published though bytes are under way
            NO_FENCE               a gate that stands still is waited for
            FENCE_UNPROVEN         SIGKILL sent counts as dead
            FENCE_KEEPS_BYTES      the fenced gate's bytes still leave (no SO_LINGER)
            REARM_BLIND            rearm stores instead of CAS
            REARM_EARLY            rearm does not wait for KILL_COMPLETE
            SAME_LEVEL_SILENT      a raise to a level that stands already stores no new epoch
            FLAG_POLARITY          the word's RUN is taken for stop and everything else for go
            ZERO_IS_RUN            (with DAMAGE) a zeroed word is taken for RUN
            ONE_SCOPE              (with SCOPES=2) levels and epochs of the first scope only
   vacuity  SHOW_COMPLETE, SHOW_REARM, SHOW_LATE (an order leaves after a rearm), SHOW_FENCED */
#include "claim.pml"
/* core/levels.hpp; check.py compares */
#define kRun 1
#define kReduceOnly 2
#define kHalt 3
#ifndef SCOPES
#define SCOPES 1
#endif
#ifndef RAISERS
#define RAISERS 2
#endif
#ifndef AT_ONCE
#define AT_ONCE 0
#endif
#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define LEVEL(s) (level[s] == 0 -> DAMAGED : level[s])
#ifdef ZERO_IS_RUN
#define DAMAGED kRun
#else
#define DAMAGED kHalt
#endif
#if SCOPES == 1
#define SCOPE_OF(id) 0
#else
#define SCOPE_OF(id) id
#endif
#if SCOPES == 1 || defined(ONE_SCOPE)
#define HIGHEST(a) (a[0])
#define SUM(a) (a[0])
#else
#define HIGHEST(a) MAX(a[0], a[1])
#define SUM(a) (a[0] + a[1])
#endif
#ifdef FLAG_POLARITY
#define ALLOWED(l) (l != kRun)
#else
#define ALLOWED(l) (l == kRun || (exit_order && l == kReduceOnly))
#endif
#define kRisk 0
#define kGateway 1

/* KillPage: {level, epoch} is one word, read and stored in one step. */
byte level[SCOPES], epoch[SCOPES];
byte serial;
byte obeyed[2];                  /* StagePage::obeyed */
bool dead[2], sigkill[2], stopped[2];
/* The order: 0 none, 1 in the ring, 2 taken by the gateway (journaled), 3 ended, 4 back at risk (STALE) */
byte order, stamp;
bool exit_order, wire;
/* Ghosts. raised: raises stored so far; rearmed: how many of them are lowered; complete: highest complete level of
   those not lowered; decided: raises that stood lowered or unknown when the order was approved. */
byte raised[SCOPES], rearmed[SCOPES], complete[SCOPES], newest[SCOPES], decided[SCOPES];
bool seen_once;                  /* what a SHOW_ row waits for */
CLAIM_NAME(byte_after_complete); CLAIM_NAME(approved_after_complete); CLAIM_NAME(newer_raise_undone);
CLAIM_NAME(queued_order_revived); CLAIM_NAME(epoch_repeated); CLAIM_NAME(unreachable);

#ifdef SHOW_COMPLETE
#define SEEN_COMPLETE seen_once = true
#else
#define SEEN_COMPLETE skip
#endif
#ifdef SHOW_REARM
#define SEEN_REARM seen_once = true
#else
#define SEEN_REARM skip
#endif
#ifdef SHOW_FENCED
#define SEEN_FENCED seen_once = true
#else
#define SEEN_FENCED skip
#endif
#define OBEYED(gate, target) (dead[gate] || obeyed[gate] >= target)
/* An order that has ended is forgotten: nothing depends on what it was. */
#if SCOPES == 1
#define FORGET stamp = 0; exit_order = false; decided[0] = 0
#else
#define FORGET stamp = 0; exit_order = false; decided[0] = 0; decided[1] = 0
#endif
#define STORE(s, l, e) level[s] = l; epoch[s] = e; CLAIM(epoch_repeated, e > newest[s]); newest[s] = e

/* A step of do: whoever waits may fence, from HALT up. */
#ifdef NO_FENCE
#define MAY_FENCE(gate, l) false
#else
#define MAY_FENCE(gate, l) ((l) >= kHalt && !sigkill[gate] && !OBEYED(gate, target))
#endif
#ifdef FENCE_UNPROVEN
#define FENCE(gate) sigkill[gate] = true; dead[gate] = true
#else
#define FENCE(gate) sigkill[gate] = true
#endif

/* Completion as the raiser or the supervisor sees it; the fence from HALT up. */
inline wait_complete(s, l, mine) {
#ifndef FLAG_ONLY
  do
  :: OBEYED(kRisk, target) && OBEYED(kGateway, target) -> break
  :: atomic { MAY_FENCE(kRisk, l) -> FENCE(kRisk) }
  :: atomic { MAY_FENCE(kGateway, l) -> FENCE(kGateway) }
  od;
#endif
  atomic { SEEN_COMPLETE;
    if :: rearmed[s] < mine -> complete[s] = MAX(complete[s], l) :: else -> skip fi }
}

proctype Raiser(byte s; bool at_once) {
  byte wanted, seen_level, seen_epoch, taken, target, mine;
#ifdef STOPS
  wanted = kHalt;                                             /* REDUCE_ONLY never fences: it may wait for ever */
#else
  if :: wanted = kReduceOnly :: wanted = kHalt fi;
#endif
  if
  :: atomic { at_once -> serial = serial + 2; STORE(s, MAX(LEVEL(s), wanted), serial - 1); raised[s]++ };
     goto out
  :: else -> skip
  fi;
  atomic { seen_level = level[s]; seen_epoch = epoch[s] };
again:
#ifdef SAME_LEVEL_SILENT
  atomic { if :: level[s] >= wanted -> raised[s]++; mine = raised[s]; serial++; target = serial; goto stored
              :: else -> seen_level = level[s]; seen_epoch = epoch[s] fi };
#endif
  if :: goto out :: skip fi;                                  /* dies */
  atomic { serial++; taken = serial };
  atomic {
    if
    :: level[s] == seen_level && epoch[s] == seen_epoch ->
         STORE(s, MAX(LEVEL(s), wanted), taken); raised[s]++; mine = raised[s]
    :: else -> seen_level = level[s]; seen_epoch = epoch[s]; goto again
    fi };
  if :: goto out :: skip fi;                                  /* dies: the supervisor goes on */
#ifdef SECOND_SERIAL_OMITTED
  target = taken;
#else
  atomic { serial++; target = serial };
#endif
stored:
  wait_complete(s, wanted, mine);
out:
  atomic { wanted = 0; seen_level = 0; seen_epoch = 0; taken = 0; target = 0; mine = 0 }
}

/* KillWatch: notices a word, takes a target of its own, completes it; an operator rearms that word once. */
proctype Supervisor() {
  byte s, seen_level, seen_epoch, target, taken, mine, rearms;
end_supervisor:
  do
  :: atomic { epoch[0] != seen_epoch || level[0] != seen_level ->
       s = 0; seen_level = level[0]; seen_epoch = epoch[0]; mine = raised[0] }
     if
     :: seen_level == kRun -> skip
     :: else ->
          atomic { serial++; target = serial };
#ifndef REARM_EARLY
          do
          :: OBEYED(kRisk, target) && OBEYED(kGateway, target) ->
               atomic { SEEN_COMPLETE;
                 if :: rearmed[0] < mine -> complete[0] = MAX(complete[0], (seen_level == 0 -> kHalt : seen_level))
                    :: else -> skip fi };
               break
          :: level[0] != seen_level || epoch[0] != seen_epoch -> goto next_word
          :: atomic { MAY_FENCE(kRisk, LEVEL(0)) -> FENCE(kRisk) }
          :: atomic { MAY_FENCE(kGateway, LEVEL(0)) -> FENCE(kGateway) }
          od;
#endif
          if
          :: rearms == 0 ->
               rearms = 1;
               atomic { serial++; taken = serial };
               atomic {
                 if
#ifdef REARM_BLIND
                 :: true ->
#else
                 :: level[0] == seen_level && epoch[0] == seen_epoch ->
#endif
                      CLAIM(newer_raise_undone, raised[0] == mine);
                      STORE(0, kRun, taken); rearmed[0] = raised[0]; complete[0] = 0; SEEN_REARM;
                      seen_level = kRun; seen_epoch = taken
#ifndef REARM_BLIND
                 :: else -> skip
#endif
                 fi };
               serial++
          :: skip
          fi
     fi;
next_word:
     atomic { target = 0; taken = 0; mine = 0 }
  od
}

#ifdef GATES_OBEY
proctype Obedient(byte gate) {
end_obedient:
  do
  :: atomic { obeyed[gate] != serial && !sigkill[gate] -> obeyed[gate] = serial }
  :: atomic { sigkill[gate] && !dead[gate] -> dead[gate] = true }
  od
}
#endif

proctype Risk() {
  byte told_level[SCOPES], told_epoch[SCOPES], told_raised[SCOPES], scan;
end_again:
  {
  end_risk:
    do
    :: atomic { obeyed[kRisk] != serial && !stopped[kRisk] && !sigkill[kRisk] ->
#ifndef WORDS_BEFORE_SERIAL
         scan = serial }
       atomic {
#endif
         told_level[0] = LEVEL(0); told_epoch[0] = epoch[0]; told_raised[0] = raised[0] }
#if SCOPES > 1
       atomic { told_level[1] = LEVEL(1); told_epoch[1] = epoch[1]; told_raised[1] = raised[1] }
#endif
#ifdef WORDS_BEFORE_SERIAL
       scan = serial;
#endif
       obeyed[kRisk] = scan; scan = 0
    :: atomic { told_epoch[0] != 0 && order == 0 && !stopped[kRisk] && !sigkill[kRisk] ->
         if :: exit_order = true :: exit_order = false fi;
         if
         :: ALLOWED(HIGHEST(told_level)) ->
#ifdef EPOCH_READ_FRESH
              stamp = SUM(epoch);
#else
              stamp = SUM(told_epoch);
#endif
              CLAIM(approved_after_complete, complete[0] < (exit_order -> kHalt : kReduceOnly));
              decided[0] = told_raised[0];
#if SCOPES > 1
              decided[1] = told_raised[1];
#endif
              order = 1
         :: else -> skip
         fi }
    :: atomic { order == 4 && !stopped[kRisk] && !sigkill[kRisk] && ALLOWED(HIGHEST(told_level)) &&
                stamp != SUM(told_epoch) ->
         stamp = SUM(told_epoch); decided[0] = told_raised[0];
#if SCOPES > 1
         decided[1] = told_raised[1];
#endif
         order = 1 }
    od
  } unless { atomic { sigkill[kRisk] -> dead[kRisk] = true; scan = 0; told_epoch[0] = 0; told_level[0] = 0;
#if SCOPES > 1
      told_epoch[1] = 0; told_level[1] = 0;
#endif
      told_raised[0] = 0 } }
}

proctype Gateway() {
  byte scanned, seen[SCOPES], sum[SCOPES], restarts;  /* scanned: PageWatch::serial() */
  bool go;
end_again:
  {
  end_gateway:
    do
    :: atomic { scanned != serial && !stopped[kGateway] -> scanned = serial }
    :: atomic {
#ifndef OBEYED_UNDRAINED
         !wire &&
#endif
         obeyed[kGateway] != scanned && scanned != 0 && !stopped[kGateway] -> obeyed[kGateway] = scanned }
    :: atomic { order == 1 && !stopped[kGateway] -> order = 2 }
       atomic { seen[0] = LEVEL(0); sum[0] = epoch[0] };
#if SCOPES > 1
       atomic { seen[1] = LEVEL(1); sum[1] = epoch[1] };
#endif
       atomic {
         if
         :: !ALLOWED(HIGHEST(seen)) -> order = 3; FORGET
#ifndef EPOCH_UNCHECKED
         :: ALLOWED(HIGHEST(seen)) && stamp != SUM(sum) ->
              if :: exit_order -> order = 4 :: else -> order = 3; FORGET fi
         :: ALLOWED(HIGHEST(seen)) && stamp == SUM(sum) -> go = true
#else
         :: ALLOWED(HIGHEST(seen)) -> go = true
#endif
         fi;
         seen[0] = 0; sum[0] = 0;
#if SCOPES > 1
         seen[1] = 0; sum[1] = 0
#endif
       }
       /* preempted here, a flag would be read already */
       atomic { if :: go -> go = false; order = 3; stamp = 0; wire = true :: else -> skip fi }
    od
  } unless { atomic { sigkill[kGateway] -> dead[kGateway] = true; scanned = 0; go = false;
      seen[0] = 0; sum[0] = 0;
#if SCOPES > 1
      seen[1] = 0; sum[1] = 0;
#endif
#ifndef FENCE_KEEPS_BYTES
      if :: wire -> wire = false; FORGET :: else -> skip fi
#endif
    } }
end_restart:
  /* The supervisor starts it again, once; what was taken without a verdict is in doubt, never sent again. */
  atomic { restarts == 0 -> restarts = 1; sigkill[kGateway] = false; stopped[kGateway] = false;
           dead[kGateway] = false; SEEN_FENCED;
           if :: order == 2 -> order = 3; FORGET :: else -> skip fi }
  goto end_again
}

/* Bytes leave the host, some time. */
proctype Wire() {
end_wire:
  do
  :: atomic { wire -> wire = false;
       CLAIM(byte_after_complete, complete[0] < (exit_order -> kHalt : kReduceOnly));
       CLAIM(queued_order_revived, rearmed[0] <= decided[0]);
#if SCOPES > 1
       CLAIM(byte_after_complete, complete[1] < (exit_order -> kHalt : kReduceOnly));
       CLAIM(queued_order_revived, rearmed[1] <= decided[1]);
#endif
#ifdef SHOW_LATE
       CLAIM(unreachable, rearmed[0] == 0);
#endif
       FORGET
     }
  od
}

#ifdef STOPS
proctype Stop() { if :: stopped[kGateway] = true :: stopped[kRisk] = true :: skip fi }
#endif
#ifdef DAMAGE
proctype WildStore() { atomic { raised[0]++; level[0] = 0 } }
#endif

proctype Referee() {
  atomic { timeout ->
    CLAIM(unreachable, !seen_once) }
}

init { atomic {
  level[0] = kRun; epoch[0] = 1; newest[0] = 1;
#if SCOPES > 1
  level[1] = kRun; epoch[1] = 1; newest[1] = 1;
#endif
  serial = 1;
#if RAISERS > 0
  run Raiser(0, AT_ONCE >= RAISERS);
#endif
#if RAISERS > 1
  run Raiser(SCOPE_OF(1), AT_ONCE >= 1);
#endif
#ifndef NO_REARM
  run Supervisor();
#endif
#ifdef GATES_OBEY
  run Obedient(kRisk); run Obedient(kGateway);
#else
  run Risk(); run Gateway(); run Wire();
#endif
#ifdef STOPS
  run Stop();
#endif
#ifdef DAMAGE
  run WildStore();
#endif
  run Referee() } }
