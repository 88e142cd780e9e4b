// A stage that is as small as a stage can be and depends on everything a stage may depend on: every
// answer carries a digest of all inputs so far, their order and their times, so any difference
// between two runs over one journal shows in the bytes of every later output.
//
//   Tick -> Order, Report -> Order, Intent -> Report, Deadline (300 us after a tick) -> Order
//
// What cannot be emitted at once waits in a backlog, which EdgeRoom and Continue work off.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "core/stage.hpp"

namespace sluice::test {

class EchoStage {
 public:
  static constexpr std::size_t kBacklog = 1024;

  void on(const Tick& tick, Context& ctx) noexcept {
    note(1, to_payload(tick), ctx.now);
    if (deadline_ == HostTime::never()) deadline_ = ctx.now + Duration::micros(300);
    answer(orders_, OrderKind::Entry, tick.value[0]);
    emit_one(ctx);
  }
  void on(const Report& report, Context& ctx) noexcept {
    note(2, to_payload(report), ctx.now);
    answer(orders_, OrderKind::StrategyExit, report.qty.raw);
    emit_one(ctx);
  }
  void on(const Intent& intent, Context& ctx) noexcept {
    note(3, to_payload(intent), ctx.now);
    answer(reports_, OrderKind::Entry, intent.quantity);
    emit_one(ctx);
  }
  void on(const Control& control, Context& ctx) noexcept {
    note(4, to_payload(control), ctx.now);
    ++controls_;
    if (control.kind == ControlKind::EdgeFull) return mark(control.index, true);
    if (control.kind == ControlKind::EdgeRoom) mark(control.index, false);
    if (control.kind == ControlKind::Deadline) {
      deadline_ = HostTime::never();
      answer(orders_, OrderKind::Cancel, 0);
    }
    if (control.kind == ControlKind::RunStart || control.kind == ControlKind::EdgeBase) return;
    emit_one(ctx);
  }
  [[nodiscard]] HostTime deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool wants_continue() const noexcept {
    return (orders_.count > 0 && !orders_.full) || (reports_.count > 0 && !reports_.full);
  }

  // The whole of it is its state.
  [[nodiscard]] const EchoStage& state() const noexcept { return *this; }
  void restore(const EchoStage& state) noexcept { *this = state; }

  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }
  [[nodiscard]] std::uint64_t controls() const noexcept { return controls_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t backlog() const noexcept { return orders_.count + reports_.count; }

 private:
  struct Answer {
    OrderKind kind;
    std::int64_t value;
  };
  struct Lane {
    Edge edge;
    std::array<Answer, kBacklog> waiting{};
    std::size_t first = 0;
    std::size_t count = 0;
    bool full = false;
    std::uint32_t emitted = 0;
  };

  void note(std::uint64_t what, const Payload& payload, HostTime now) noexcept {
    digest_ = mix(digest_ ^ what ^ static_cast<std::uint64_t>(now.ns));
    for (const std::uint64_t word : payload) digest_ = mix(digest_ ^ word) + 1;
  }
  void answer(Lane& lane, OrderKind kind, std::int64_t value) noexcept {
    if (lane.count == kBacklog) {
      ++dropped_;
      return;
    }
    lane.waiting[(lane.first + lane.count++) % kBacklog] = {kind, value};
  }
  void mark(std::uint32_t edge, bool full) noexcept {
    for (Lane* lane : {&orders_, &reports_})
      if (static_cast<std::uint32_t>(lane->edge) == edge) lane->full = full;
  }
  void emit_one(Context& ctx) noexcept {
    if (Answer next; take(orders_, next)) {
      Order order{};
      order.id = OrderId::make(1, 0, ++orders_.emitted);
      order.kind = next.kind;
      order.qty = {next.value};
      order.price = {static_cast<std::int64_t>(digest_ >> 1)};
      order.approved_at = ctx.now;
      ctx.out.emit(orders_.edge, order);
    }
    if (Answer next; take(reports_, next)) {
      Report report{};
      report.id = OrderId::make(1, 1, ++reports_.emitted);
      report.kind = ReportKind::Accepted;
      report.qty = {next.value};
      report.price = {static_cast<std::int64_t>(digest_ >> 1)};
      report.at = ctx.now;
      ctx.out.emit(reports_.edge, report);
    }
  }
  static bool take(Lane& lane, Answer& out) noexcept {
    if (lane.full || lane.count == 0) return false;
    out = lane.waiting[lane.first];
    lane.first = (lane.first + 1) % kBacklog;
    --lane.count;
    return true;
  }

  Lane orders_{Edge::RiskGateway};
  Lane reports_{risk_seat(0)};
  HostTime deadline_ = HostTime::never();
  std::uint64_t digest_ = 1;
  std::uint64_t controls_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::test
