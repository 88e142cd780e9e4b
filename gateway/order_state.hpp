// The life of one order at the venue, as a table: every (state, event) has exactly one decided
// cell.
//
// Pure and constexpr; the gateway stage is the only writer of order states, sluicectl prints them.
// Invariant: a terminal state is never left. Only the filled quantity may still rise there, because
// a fill that crossed a cancel is real money. A cell that a correct venue and a correct session
// cannot reach is an anomaly: it changes nothing but is counted, never ignored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

enum class OrderState : std::uint8_t {
  Sending = 1,        // the session has the command, its verdict is not journaled
  Sent = 2,           // the bytes left, the venue is silent
  Working = 3,        // acknowledged, nothing filled
  Partial = 4,        // acknowledged, part filled
  CancelPending = 5,  // a cancel is on its way; fills may still win
  InDoubt = 6,        // sent or not? never resent: asked by id, open at full size meanwhile
  Filled = 7,
  Cancelled = 8,
  Expired = 9,
  Rejected = 10  // by us (no byte left) or by the venue; the order's reason says which
};
inline constexpr std::size_t kOrderStates = 10;

constexpr bool is_terminal(OrderState state) noexcept {
  return state >= OrderState::Filled;
}
// The venue has it for certain, so a cancel makes sense.
constexpr bool is_live(OrderState state) noexcept {
  return state >= OrderState::Sent && state <= OrderState::CancelPending;
}

// Events as the table sees them. What depends on quantities is split, so that the table needs none.
enum class OrderEvent : std::uint8_t {
  Sent = 1,
  Refused = 2,
  Ack = 3,
  FillPart = 4,  // something remains
  FillAll = 5,   // nothing remains
  Cancelled = 6,
  Expired = 7,
  VenueReject = 8,
  CancelReject = 9,       // of an order without fills
  CancelRejectPart = 10,  // of an order with fills
  CancelAsked = 11,       // by risk, a kill level or the dead man
  Recovered = 12,         // this process restarted
  NotFound = 13           // the answer to a query: the venue never saw it
};
inline constexpr std::size_t kOrderEvents = 13;

enum class OrderAction : std::uint8_t {
  None = 0,
  AskCancel = 1,   // give the session a cancel
  KeepCancel = 2,  // remember the cancel until it is known whether there is something to cancel
  AskQuery = 3     // ask the venue by id
};

struct Transition {
  OrderState next;
  bool report = false;  // risk must learn of it
  OrderAction action = OrderAction::None;
  bool anomaly = false;

  friend constexpr bool operator==(Transition, Transition) noexcept = default;
};

namespace detail {
consteval auto make_transitions() {
  using S = OrderState;
  using A = OrderAction;
  constexpr auto to = [](S s) { return Transition{s}; };  // quiet
  constexpr auto tell = [](S s) { return Transition{s, true}; };
  constexpr auto act = [](S s, A a) { return Transition{s, false, a}; };
  constexpr auto bad = [](S s) { return Transition{s, false, A::None, true}; };
  constexpr auto odd = [](S s) {
    return Transition{s, true, A::None, true};
  };  // wrong, but it is money
  constexpr S F = S::Filled, C = S::Cancelled, E = S::Expired, R = S::Rejected;
  constexpr S Snd = S::Sending, Snt = S::Sent, W = S::Working, P = S::Partial, X = S::CancelPending,
              D = S::InDoubt;
  // columns: Sent, Refused, Ack, FillPart, FillAll, Cancelled, Expired, VenueReject, CancelReject,
  //          CancelRejectPart, CancelAsked, Recovered, NotFound
  return std::array<std::array<Transition, kOrderEvents>, kOrderStates>{{
      // Sending. The venue's word proves the send even if the verdict comes later.
      {to(Snt), tell(R), tell(W), tell(P), tell(F), tell(C), tell(E), tell(R), bad(Snd), bad(Snd),
       act(Snd, A::KeepCancel), Transition{D, true, A::AskQuery}, bad(Snd)},
      // Sent
      {bad(Snt), bad(Snt), tell(W), tell(P), tell(F), tell(C), tell(E), tell(R), bad(Snt), bad(Snt),
       act(X, A::AskCancel), to(Snt), bad(Snt)},
      // Working. A session that was rebuilt acknowledges again; a sweep cancels without being asked
      // here.
      {bad(W), bad(W), to(W), tell(P), tell(F), tell(C), tell(E), tell(R), to(W), bad(W),
       act(X, A::AskCancel), to(W), bad(W)},
      // Partial
      {bad(P), bad(P), to(P), tell(P), tell(F), tell(C), tell(E), tell(R), bad(P), to(P),
       act(X, A::AskCancel), to(P), bad(P)},
      // CancelPending. A cancel may be repeated safely, so recovery repeats it.
      {bad(X), bad(X), to(X), tell(X), tell(F), tell(C), tell(E), tell(R), tell(W), tell(P), to(X),
       act(X, A::AskCancel), bad(X)},
      // InDoubt. Resolved by the answer to the query or by the venue's own word, by nothing else.
      {bad(D), bad(D), tell(W), tell(P), tell(F), tell(C), tell(E), tell(R), to(D), bad(D),
       act(D, A::KeepCancel), act(D, A::AskQuery), tell(R)},
      // Filled. More than everything is an anomaly that risk must still know.
      {bad(F), bad(F), to(F), bad(F), odd(F), bad(F), bad(F), bad(F), to(F), to(F), to(F), to(F),
       bad(F)},
      // Cancelled
      {bad(C), bad(C), to(C), tell(C), tell(C), to(C), bad(C), bad(C), to(C), to(C), to(C), to(C),
       bad(C)},
      // Expired
      {bad(E), bad(E), to(E), tell(E), tell(E), bad(E), to(E), bad(E), to(E), to(E), to(E), to(E),
       bad(E)},
      // Rejected. What was refused cannot fill.
      {bad(R), bad(R), bad(R), odd(R), odd(R), bad(R), bad(R), to(R), to(R), to(R), to(R), to(R),
       to(R)},
  }};
}
}  // namespace detail

inline constexpr auto kTransitions = detail::make_transitions();

constexpr Transition step(OrderState state, OrderEvent event) noexcept {
  return kTransitions[static_cast<std::size_t>(state) - 1][static_cast<std::size_t>(event) - 1];
}

[[nodiscard]] std::string_view name_of(OrderState state) noexcept;
[[nodiscard]] std::string_view name_of(OrderEvent event) noexcept;

}  // namespace sluice
