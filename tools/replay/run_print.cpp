#include "tools/replay/run_print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "tools/replay/record_text.hpp"

namespace sluice::replay {
namespace {

std::string names_of(const std::vector<Count>& counts) {
  std::string out;
  for (const Count& count : counts)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count.name, count.n);
  return out.empty() ? "none" : out;
}

std::string json_counts(const std::vector<Count>& counts) {
  std::string out;
  for (const Count& count : counts)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", json_text(count.name), count.n);
  return "{" + out + "}";
}

std::uint64_t sum_of(const std::vector<Count>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Count& count) { return sum + count.n; });
}

// A trade in words, the same in all three forms.
struct TradeText {
  TradeText(const Trade& trade, const PipelineConfig& pipeline)
      : strategy(pipeline.strategies.at(trade.strategy).name),
        instrument(pipeline.instruments.at(trade.instrument).name),
        side(enum_text(RecordKind::Order, "side", static_cast<std::uint64_t>(trade.side))),
        qty(decimal_text(trade.qty.raw)),
        entry(decimal_text(trade.entry_price().raw)),
        exit(trade.exit_worth.raw == 0 ? "" : decimal_text(trade.exit_price().raw)),
        pnl(decimal_text(trade.pnl.raw)),
        ended_by(trade.open() ? "open"
                              : enum_text(RecordKind::Order, "kind",
                                          static_cast<std::uint64_t>(trade.ended_by))) {}
  std::string strategy;
  std::string instrument;
  std::string side;
  std::string qty;
  std::string entry;
  std::string exit;
  std::string pnl;
  std::string ended_by;
};

std::string trade_lines(const RunResult& result) {
  if (result.trades.empty()) return {};
  std::string out =
      fmt::format("\n  {:<30}  {:<18} {:<12} {:<4} {:>14} {:>16} {:>16} {:>16}  {}\n", "entered",
                  "strategy", "instrument", "side", "qty", "entry", "exit", "pnl", "ended by");
  for (const Trade& trade : result.trades) {
    const TradeText t(trade, result.pipeline);
    out += fmt::format("  {:<30}  {:<18} {:<12} {:<4} {:>14} {:>16} {:>16} {:>16}  {}\n",
                       utc_text(trade.entered_at.ns), t.strategy, t.instrument, t.side, t.qty,
                       t.entry, t.exit, t.pnl, t.ended_by);
  }
  return out;
}

std::string json_trades(const RunResult& result) {
  std::string out;
  for (const Trade& trade : result.trades) {
    const TradeText t(trade, result.pipeline);
    out += fmt::format(
        "{}{{\"strategy\":{},\"instrument\":{},\"side\":{},\"entered_at_ns\":{},\"ended_at_ns\":{},"
        "\"qty\":\"{}\",\"entry_price\":\"{}\",\"exit_price\":{},\"pnl\":\"{}\",\"fills\":{},"
        "\"ended_by\":{}}}",
        out.empty() ? "" : ",", json_text(t.strategy), json_text(t.instrument), json_text(t.side),
        trade.entered_at.ns, trade.ended_at.ns, t.qty, t.entry,
        t.exit.empty() ? "null" : json_text(t.exit), t.pnl, trade.fills, json_text(t.ended_by));
  }
  return out;
}

std::size_t open_trades(const RunResult& result) {
  return static_cast<std::size_t>(std::count_if(result.trades.begin(), result.trades.end(),
                                                [](const Trade& trade) { return trade.open(); }));
}

std::size_t won_trades(const RunResult& result) {
  return static_cast<std::size_t>(
      std::count_if(result.trades.begin(), result.trades.end(),
                    [](const Trade& trade) { return !trade.open() && trade.pnl > Notional{}; }));
}

}  // namespace

std::string text_of(const RunResult& r) {
  std::string out = fmt::format("  capture     {}, lines {} to {}: {}.{:03} s at rate {}\n",
                                r.capture, r.first_line, r.last_line, r.market.ns / 1'000'000'000,
                                r.market.ns / 1'000'000 % 1'000,
                                decimal_text(r.pipeline.rate_ppm * (kScale / 1'000'000)));
  out +=
      fmt::format("  messages    {}, not understood {}{}\n", r.messages, sum_of(r.refused_messages),
                  r.refused_messages.empty() ? "" : ": " + names_of(r.refused_messages));
  out += fmt::format("  ticks       quote {}, trade {}, status {}\n", r.quotes, r.trade_ticks,
                     r.statuses);
  out += fmt::format("  gaps        venue {} ({} updates), dropped {}\n", r.gaps, r.missing_updates,
                     r.dropped);
  out += fmt::format("  signals     {}, intents {}\n", r.signals, r.intents.size());
  out += fmt::format("  not formed  {}\n", names_of(r.not_formed));
  out += fmt::format("  orders      {} (entry {}, exit {}), cancels {}, fills {}\n",
                     r.entries + r.exits, r.entries, r.exits, r.cancels, r.fills);
  out += fmt::format("  exits       {}\n", names_of(r.exits_by_kind));
  out += fmt::format("  refused     {}\n", names_of(r.rejects));
  out += fmt::format("  trades      {}, of which ended {}, won {}\n", r.trades.size(),
                     r.trades.size() - open_trades(r), won_trades(r));
  out += fmt::format("  result      realised {}, open {}, max drawdown {}\n",
                     decimal_text(r.realised.raw), decimal_text(r.open.raw),
                     decimal_text(r.max_drawdown.raw));
  return out + trade_lines(r);
}

std::string json_of(const RunResult& r) {
  std::string warnings;
  for (const std::string& warning : r.warnings)
    warnings += fmt::format("{}{}", warnings.empty() ? "" : ",", json_text(warning));
  return fmt::format(
      "{{\"capture\":{},\"first_line\":{},\"last_line\":{},\"market_ns\":{},\"rate_ppm\":{},"
      "\"config_hash\":\"{:016x}\",\"warnings\":[{}],\"messages\":{},\"refused_messages\":{},"
      "\"ticks\":{{\"quote\":{},\"trade\":{},\"status\":{}}},\"gaps\":{},\"missing_updates\":{},"
      "\"dropped\":{},\"signals\":{},\"intents\":{},\"not_formed\":{},\"orders\":{{\"entry\":{},"
      "\"exit\":{},\"cancel\":{}}},\"fills\":{},\"exits\":{},\"rejects\":{},\"realised\":\"{}\","
      "\"open\":\"{}\",\"max_drawdown\":\"{}\",\"trades\":[{}]}}\n",
      json_text(r.capture), r.first_line, r.last_line, r.market.ns, r.pipeline.rate_ppm,
      r.config_hash, warnings, r.messages, json_counts(r.refused_messages), r.quotes, r.trade_ticks,
      r.statuses, r.gaps, r.missing_updates, r.dropped, r.signals, r.intents.size(),
      json_counts(r.not_formed), r.entries, r.exits, r.cancels, r.fills,
      json_counts(r.exits_by_kind), json_counts(r.rejects), decimal_text(r.realised.raw),
      decimal_text(r.open.raw), decimal_text(r.max_drawdown.raw), json_trades(r));
}

std::string trades_csv_of(const RunResult& result) {
  std::string out =
      "strategy,instrument,side,entered_at_ns,ended_at_ns,qty,entry_price,exit_price,pnl,fills,"
      "ended_by\n";
  for (const Trade& trade : result.trades) {
    const TradeText t(trade, result.pipeline);
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", t.strategy, t.instrument, t.side,
                       trade.entered_at.ns, trade.ended_at.ns, t.qty, t.entry, t.exit, t.pnl,
                       trade.fills, t.ended_by);
  }
  return out;
}

std::string timing_of(const RunResult& result) {
  std::vector<std::int64_t> ns = result.message_ns;
  if (ns.empty()) return "no message";
  std::sort(ns.begin(), ns.end());
  const auto at = [&](std::size_t per_mille) { return ns[(ns.size() - 1) * per_mille / 1'000]; };
  const std::int64_t all = std::accumulate(ns.begin(), ns.end(), std::int64_t{0});
  return fmt::format("{} messages in {}.{:03} s: {} ns each, p50 {} ns, p99 {} ns, max {} ns",
                     ns.size(), all / 1'000'000'000, all / 1'000'000 % 1'000,
                     all / static_cast<std::int64_t>(ns.size()), at(500), at(990), ns.back());
}

}  // namespace sluice::replay
