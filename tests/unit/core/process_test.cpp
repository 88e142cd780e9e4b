// Leases, start times, pinning and waiting.
#include "core/process.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "core/error.hpp"
#include "tests/support/sleeper.hpp"

namespace sluice {
namespace {

using test::lease_word;
using test::Sleeper;
using test::take_for;

TEST(StartTicks, AreThoseOfALivingProcessOnly) {
  EXPECT_NE(start_ticks_of(::getpid()), 0u);
  EXPECT_LE(start_ticks_of(1), start_ticks_of(::getpid()));
  EXPECT_EQ(start_ticks_of(0x7fff'ff00), 0u);
  Sleeper child;
  EXPECT_GE(start_ticks_of(child.pid()), start_ticks_of(::getpid()));
  child.kill();
  child.await_death();
  EXPECT_EQ(start_ticks_of(child.pid()), 0u) << "a zombie writes nothing any more";
}

TEST(StartTicks, AreReadBehindAnyCommandName) {
  Sleeper plain;
  for (const char* name : {") S 1 (", "a b c", ")))", "x) R 0 0 0"}) {
    Sleeper child(name);
    const std::uint64_t ticks = start_ticks_of(child.pid());
    EXPECT_GE(ticks, start_ticks_of(plain.pid())) << name;
    EXPECT_LT(ticks - start_ticks_of(plain.pid()), 100u * 3600) << name;
  }
}

TEST(Lease, EpochsRise) {
  Lease lease{};
  EXPECT_EQ(look(lease).pid, 0);
  EXPECT_EQ(claim(lease, "the page"), 1u);
  EXPECT_TRUE(look(lease).alive);
  EXPECT_EQ(look(lease).pid, ::getpid());
  release(lease);
  EXPECT_EQ(look(lease).pid, 0);
  EXPECT_FALSE(look(lease).alive);
  EXPECT_EQ(look(lease).epoch, 1u);
  EXPECT_EQ(claim(lease, "the page"), 2u);
}

TEST(Lease, IsRefusedWhileItsOwnerLives) {
  Lease lease{};
  Sleeper owner;
  take_for(lease, 7, owner.pid());
  EXPECT_TRUE(look(lease).alive);
  try {
    claim(lease, "stage.risk");
    FAIL() << "took a living process's lease";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "stage.risk is held by process " +
                                             std::to_string(owner.pid()) +
                                             ", which is alive: stop it first");
  }
  EXPECT_EQ(lease.word.load(), lease_word(7, owner.pid()));
  release(lease);
  EXPECT_EQ(lease.word.load(), lease_word(7, owner.pid())) << "only the owner gives it back";
}

TEST(Lease, IsRefusedWhileItsOwnerIsStopped) {
  Lease lease{};
  Sleeper owner;
  take_for(lease, 1, owner.pid());
  ::kill(owner.pid(), SIGSTOP);
  ::waitpid(owner.pid(), nullptr, WUNTRACED);
  EXPECT_THROW(claim(lease, "x"), Error) << "it would wake up and write beside its successor";
}

TEST(Lease, IsFreeWhenItsOwnerWasKilled) {
  Lease lease{};
  Sleeper owner;
  take_for(lease, 3, owner.pid());
  owner.kill();
  owner.await_death();
  EXPECT_FALSE(look(lease).alive);
  EXPECT_EQ(claim(lease, "x"), 4u);
  EXPECT_EQ(look(lease).pid, ::getpid());
}

TEST(Lease, APidThatWasGivenToAnotherProcessIsNotTheOwner) {
  Lease lease{};
  Sleeper other;
  take_for(lease, 3, other.pid());
  lease.started.fetch_add(1);
  EXPECT_FALSE(look(lease).alive);
  EXPECT_EQ(claim(lease, "x"), 4u);
}

TEST(Lease, AHalfFinishedClaimCountsByItsPid) {
  Lease lease{};
  Sleeper owner;
  take_for(lease, 3, ::getpid());
  lease.word.store(lease_word(4, owner.pid()));  // the second store is still to come
  EXPECT_TRUE(look(lease).alive);
  EXPECT_THROW(claim(lease, "x"), Error);
  owner.kill();
  owner.await_death();
  EXPECT_EQ(claim(lease, "x"), 5u);
}

TEST(Lease, OfAnotherPidNamespaceIsNeverFree) {
  Lease lease{};
  claim(lease, "x");
  EXPECT_NE(lease.pid_namespace.load(), 0u) << "each holder says where its number is valid";
  Sleeper owner;
  take_for(lease, 3, owner.pid());
  owner.kill();
  owner.await_death();
  ASSERT_FALSE(look(lease).alive) << "of this namespace: death is proven";
  lease.pid_namespace.fetch_add(1);
  EXPECT_TRUE(look(lease).alive);
  EXPECT_THROW(claim(lease, "x"), Error);
}

// Without descriptors nothing in /proc can be read, as with hidepid.
TEST(Lease, WhatCannotBeReadProvesNoDeath) {
  Lease living{};
  Lease dead{};
  Sleeper owner;
  Sleeper gone;
  take_for(living, 1, owner.pid());
  take_for(dead, 1, gone.pid());
  gone.kill();
  gone.reap();
  const pid_t blind = ::fork();
  if (blind == 0) {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(99);
    ::_exit((look(living).alive ? 1 : 0) | (look(dead).alive ? 2 : 0));
  }
  int status = 0;
  ::waitpid(blind, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status) & 1, 1) << "the living one was taken for dead";
  EXPECT_EQ(WEXITSTATUS(status) & 2, 0) << "the kernel knows that the other is gone";
}

TEST(Pin, PinsTheCallingThreadOrSaysWhyNot) {
  EXPECT_NE(pin_to(-1), "");
  EXPECT_NE(pin_to(1'000'000), "");
  std::thread([] {
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    int cpu = 0;
    while (!CPU_ISSET(static_cast<unsigned>(cpu), &set)) ++cpu;
    EXPECT_EQ(pin_to(cpu), "");
    EXPECT_EQ(confined_cpu(), cpu);
    EXPECT_EQ(cpus_allowed(), 1);
  }).join();
}

TEST(Waiter, AutoSpinsOnACpuOfItsOwnOnly) {
  EXPECT_EQ(choose_wait(WaitStrategy::Auto, true), WaitStrategy::Spin);
  EXPECT_EQ(choose_wait(WaitStrategy::Auto, false), WaitStrategy::Yield);
  for (const WaitStrategy w : {WaitStrategy::Spin, WaitStrategy::Yield, WaitStrategy::Nap})
    for (const bool own : {true, false}) EXPECT_EQ(choose_wait(w, own), w);
}

TEST(Waiter, NapsOnRequestAndAfterLongIdleness) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kTenNaps = std::chrono::microseconds(500);
  const auto ten = [](Waiter& waiter) {
    const auto start = Clock::now();
    for (int i = 0; i < 10; ++i) waiter.idle();
    return Clock::now() - start;
  };
  Waiter napping(WaitStrategy::Nap, 0);
  EXPECT_GE(ten(napping), kTenNaps);
  for (const WaitStrategy strategy : {WaitStrategy::Spin, WaitStrategy::Yield}) {
    Waiter waiter(strategy, 1'000'000);
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::milliseconds(2)) waiter.idle();
    for (int i = 0; i < 64; ++i) waiter.idle();
    EXPECT_GE(ten(waiter), kTenNaps) << name_of(strategy);
  }
}

TEST(Fault, IsCutToTheFieldAndTerminated) {
  const auto page = std::make_unique<StagePage>();
  write_fault(*page, std::string(500, 'f'));
  EXPECT_EQ(std::string_view(page->fault.data()), std::string(page->fault.size() - 1, 'f'));
  EXPECT_EQ(page->stage_state(), StageState::Faulted);
}

}  // namespace
}  // namespace sluice
