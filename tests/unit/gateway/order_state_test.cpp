#include "gateway/order_state.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace sluice {
namespace {

constexpr std::array kStates{OrderState::Sending, OrderState::Sent,          OrderState::Working,
                             OrderState::Partial, OrderState::CancelPending, OrderState::InDoubt,
                             OrderState::Filled,  OrderState::Cancelled,     OrderState::Expired,
                             OrderState::Rejected};

// The table again, written the other way: per state one word per event, as a reader would say it.
// next state letter; '!' anomaly, '+' report, '-' quiet, 'c' cancel, 'k' keep the cancel, 'q'
// query. States: s Sending, t Sent, w Working, p Partial, x CancelPending, d InDoubt, F C E R.
constexpr std::array<std::array<std::string_view, kOrderEvents>, kOrderStates> kExpected{{
    // Sent Refused Ack FillPart FillAll Cancelled Expired VenueReject CancelReject CancelRejectPart
    // CancelAsked Recovered NotFound
    {"t-", "R+", "w+", "p+", "F+", "C+", "E+", "R+", "s!", "s!", "sk", "d+q", "s!"},
    {"t!", "t!", "w+", "p+", "F+", "C+", "E+", "R+", "t!", "t!", "xc", "t-", "t!"},
    {"w!", "w!", "w-", "p+", "F+", "C+", "E+", "R+", "w-", "w!", "xc", "w-", "w!"},
    {"p!", "p!", "p-", "p+", "F+", "C+", "E+", "R+", "p!", "p-", "xc", "p-", "p!"},
    {"x!", "x!", "x-", "x+", "F+", "C+", "E+", "R+", "w+", "p+", "x-", "xc", "x!"},
    {"d!", "d!", "w+", "p+", "F+", "C+", "E+", "R+", "d-", "d!", "dk", "dq", "R+"},
    {"F!", "F!", "F-", "F!", "F+!", "F!", "F!", "F!", "F-", "F-", "F-", "F-", "F!"},
    {"C!", "C!", "C-", "C+", "C+", "C-", "C!", "C!", "C-", "C-", "C-", "C-", "C!"},
    {"E!", "E!", "E-", "E+", "E+", "E!", "E-", "E!", "E-", "E-", "E-", "E-", "E!"},
    {"R!", "R!", "R!", "R+!", "R+!", "R!", "R!", "R-", "R-", "R-", "R-", "R-", "R-"},
}};

Transition expected(std::string_view word) {
  constexpr std::string_view kLetters = "stwpxdFCER";
  Transition t{kStates[kLetters.find(word[0])]};
  for (char c : word.substr(1)) {
    if (c == '!') t.anomaly = true;
    if (c == '+') t.report = true;
    if (c == 'c') t.action = OrderAction::AskCancel;
    if (c == 'k') t.action = OrderAction::KeepCancel;
    if (c == 'q') t.action = OrderAction::AskQuery;
  }
  return t;
}

template <class F>
void each_cell(F&& f) {
  for (OrderState state : kStates)
    for (std::size_t e = 1; e <= kOrderEvents; ++e) f(state, static_cast<OrderEvent>(e));
}

TEST(OrderState, EveryCellIsDecided) {
  each_cell([](OrderState state, OrderEvent event) {
    const Transition t = step(state, event);
    EXPECT_GE(t.next, OrderState::Sending);
    EXPECT_LE(t.next, OrderState::Rejected);
    EXPECT_NE(name_of(state), "?");
    EXPECT_NE(name_of(event), "?");
  });
}

TEST(OrderState, CellByCell) {
  each_cell([](OrderState state, OrderEvent event) {
    const auto row = static_cast<std::size_t>(state) - 1;
    const auto column = static_cast<std::size_t>(event) - 1;
    EXPECT_EQ(step(state, event), expected(kExpected[row][column]))
        << name_of(state) << " x " << name_of(event);
  });
}

TEST(OrderState, TerminalStatesAreLocked) {
  each_cell([](OrderState state, OrderEvent event) {
    if (!is_terminal(state)) return;
    EXPECT_EQ(step(state, event).next, state) << name_of(state) << " x " << name_of(event);
    EXPECT_EQ(step(state, event).action, OrderAction::None);
  });
}

TEST(OrderState, AnomalyNeverMovesAnOrder) {
  each_cell([](OrderState state, OrderEvent event) {
    if (step(state, event).anomaly) {
      EXPECT_EQ(step(state, event).next, state);
    }
  });
}

TEST(OrderState, OnlyRecoveryPutsInDoubtAndOnlyFromSending) {
  each_cell([](OrderState state, OrderEvent event) {
    if (state == OrderState::InDoubt || step(state, event).next != OrderState::InDoubt) return;
    EXPECT_TRUE(state == OrderState::Sending && event == OrderEvent::Recovered);
  });
}

TEST(OrderState, EveryChangeIsToldExceptOurOwn) {
  each_cell([](OrderState state, OrderEvent event) {
    const Transition t = step(state, event);
    if (t.next == state || event == OrderEvent::Sent || event == OrderEvent::CancelAsked) return;
    EXPECT_TRUE(t.report) << name_of(state) << " x " << name_of(event);
  });
}

TEST(OrderState, LiveIsWhatTheVenueHas) {
  EXPECT_FALSE(is_live(OrderState::Sending));
  EXPECT_TRUE(is_live(OrderState::Sent));
  EXPECT_TRUE(is_live(OrderState::CancelPending));
  EXPECT_FALSE(is_live(OrderState::InDoubt));
  EXPECT_FALSE(is_terminal(OrderState::InDoubt));
  EXPECT_TRUE(is_terminal(OrderState::Filled));
}

}  // namespace
}  // namespace sluice
