// What people see of risk: rows of its page. No gate reads one.
#include <algorithm>

#include "risk/stage.hpp"

namespace sluice::risk {
namespace {

// Of the guard's answers so many with one quote, in turn: each costs about 100 ns, and the quote
// behind it waits.
constexpr std::size_t kStandingRows = 4;

}  // namespace

void RiskStage::write_position(PairIndex pair, Context& ctx) const noexcept {
  const Position& p = state_.positions.at(pair);
  ctx.fx.row(
      RowTable::Position, pair,
      PositionRow{.instrument = rules_.pair[pair].instrument,
                  .strategy = rules_.pair[pair].strategy,
                  .used = p.used,
                  .exit_pending =
                      p.exit_kind != 0 || p.exit_order.raw != 0 ? std::uint8_t{1} : std::uint8_t{0},
                  .reserved = 0,
                  .qty = p.qty,
                  .average = p.average,
                  .last = p.mark,
                  .realised = p.realised,
                  .unrealised = p.unrealised,
                  .opened_at = p.opened_host});
}

void RiskStage::write_account(Context& ctx) const noexcept {
  ctx.fx.row(RowTable::Summary, 0,
             AccountRow{.equity = rules_.limits.equity + state_.positions.pnl(),
                        .realised = state_.positions.realised(),
                        .unrealised = state_.positions.unrealised(),
                        .reserved_capital = state_.orders.reserved(),
                        .open_cost = state_.positions.open_cost(),
                        .cap = state_.scopes.global_cap(),
                        .open_positions = state_.positions.open_count(),
                        .open_orders = state_.orders.working()});
}

// Not with an entry, which is on the way from tick to order: its report follows.
void RiskStage::write_standing(PairIndex pair, Context& ctx) const noexcept {
  ctx.fx.row(RowTable::Standing, pair, standing(rules_, state_, pair, ctx.now));
}

void RiskStage::show_standings(Context& ctx) noexcept {
  if (ctx.now - state_.standing_at < kRowGap) return;
  state_.standing_at = ctx.now;
  for (std::size_t n = 0; n < std::min(rules_.pairs, kStandingRows); ++n) {
    if (state_.standing_next >= rules_.pairs) state_.standing_next = 0;
    write_standing(static_cast<PairIndex>(state_.standing_next++), ctx);
  }
}

void RiskStage::write_standings(Context& ctx) const noexcept {
  for (std::size_t pair = 0; pair < rules_.pairs; ++pair)
    write_standing(static_cast<PairIndex>(pair), ctx);
}

void RiskStage::write_rows(Context& ctx) const noexcept {
  for (std::size_t pair = 0; pair < rules_.pairs; ++pair)
    write_position(static_cast<PairIndex>(pair), ctx);
  for (std::size_t i = 0; i < rules_.instruments; ++i)
    ctx.fx.row(RowTable::Instrument, i, state_.gates[i]);
  write_account(ctx);
  write_standings(ctx);
}

}  // namespace sluice::risk
