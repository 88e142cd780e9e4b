/* Taking over: the lease by CAS (core/process.cpp claim), the first beat (Supervisor::beat), permits as a function of
   the lease epoch in the heartbeat word, the handshake (StagePage::lease_epoch_accepted), the last look's reading of
   beat and permit (gateway/last_look.cpp). One supervisor trades and dies; two start at once.

   holds    two_owners: a lease has one living owner; permit_unaccepted: a look never passes under a permit whose lease
            epoch this gate has not accepted; permit_inherited: after the first beat of a new owner nothing passes
            before that owner arms
   mutants  LEASE_STORED     the lease is stored instead of CAS (and both may have found the old owner dead)
            NO_HANDSHAKE     arms without waiting for the gate
            EPOCH_IGNORED    a permit is valid whatever the epoch in the heartbeat
            ALIVE_IGNORED    the owner is not looked for: silence is taken for death
   vacuity  SHOW_ARMED: the second owner arms and a look passes */
#include "claim.pml"
byte lease = 1, beat = 1, permit = 1, accepted = 1;   /* lease: epoch of the word that CAS replaces; permit 0: void */
byte owners = 1, armed = 1;                           /* ghosts: living owners; the epoch that armed last */
bool die;
CLAIM_NAME(two_owners); CLAIM_NAME(permit_unaccepted); CLAIM_NAME(permit_inherited); CLAIM_NAME(unreachable);

proctype First() {
  { do :: beat = 1 od } unless { atomic { die -> owners-- } }
}

proctype Next() {
  byte seen;
#ifdef ALIVE_IGNORED
  seen = lease;
#else
  atomic { owners == 0 -> seen = lease };             /* look: proven dead */
#endif
  atomic {
#ifndef LEASE_STORED
    if :: lease != seen -> goto refused :: else -> skip fi;
#endif
    lease = seen + 1; owners++;
    CLAIM(two_owners, owners == 1) };
  beat = seen + 1;                                    /* from here on no earlier permit is valid */
#ifndef NO_HANDSHAKE
  accepted == seen + 1;
#endif
  atomic { armed = seen + 1; permit = seen + 1 };
refused: skip
}

proctype Gate() {
  byte epoch, begun;
  bool valid;
end_gate:
  do
  :: accepted != beat -> accepted = beat              /* a complete scan, its Controls journaled */
  :: atomic { begun = beat; epoch = beat }            /* the look: beat, then the permit */
     atomic {
#ifdef EPOCH_IGNORED
       valid = (permit != 0);
#else
       valid = (permit == epoch);
#endif
       if
       :: valid -> CLAIM(permit_unaccepted, permit <= accepted); CLAIM(permit_inherited, armed == begun)
#ifdef SHOW_ARMED
          ; CLAIM(unreachable, permit != 2)
#endif
       :: else -> skip
       fi;
       epoch = 0; begun = 0; valid = false }
  od
}

init { atomic { run First(); run Next(); run Next(); run Gate(); die = false } die = true }
