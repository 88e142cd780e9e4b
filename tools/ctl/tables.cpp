// The verbs `positions`, `orders` and `counters`: rows and numbers of the stage pages as tables.
#include <algorithm>

#include "core/error.hpp"
#include "gateway/order_state.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/records.hpp"
#include "tools/ctl/sight.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

const StagePage& page_or_throw(const Sight& sight, Process p) {
  if (const StagePage* page = sight.page(p); page != nullptr) return *page;
  throw Error(Exit::Unqualified, fmt::format("the page of {} cannot be read", name_of(p)));
}

std::string_view state_name(std::uint8_t state) noexcept {
  return state >= 1 && state <= kOrderStates ? name_of(static_cast<OrderState>(state)) : "?";
}

std::vector<PositionRow> positions_of(const StagePage& page, bool all) {
  std::vector<PositionRow> rows;
  for (std::size_t i = 0; i < row_capacity(RowTable::Position); ++i)
    if (const auto row = page.read_row<PositionRow>(RowTable::Position, i);
        row && row->used == 1 && (all || row->qty.raw != 0))
      rows.push_back(*row);
  return rows;
}

std::vector<OrderRow> orders_of(const StagePage& page, bool all) {
  std::vector<OrderRow> rows;
  for (std::size_t i = 0; i < row_capacity(RowTable::Order); ++i)
    if (const auto row = page.read_row<OrderRow>(RowTable::Order, i);
        row && row->id.raw != 0 && (all || !is_terminal(static_cast<OrderState>(row->state))))
      rows.push_back(*row);
  std::sort(rows.begin(), rows.end(),
            [](const OrderRow& a, const OrderRow& b) { return a.changed_at < b.changed_at; });
  return rows;
}

void positions_json(const Sight& sight, const std::vector<PositionRow>& rows,
                    const AccountRow& account, Console& console) {
  Json json;
  json.object().field("instance", sight.instance).key("account").object();
  json.field("equity", decimal(account.equity.raw))
      .field("realised", decimal(account.realised.raw));
  json.field("unrealised", decimal(account.unrealised.raw))
      .field("open_cost", decimal(account.open_cost.raw));
  json.field("reserved", decimal(account.reserved_capital.raw))
      .field("cap", decimal(account.cap.raw));
  json.field("open_positions", account.open_positions)
      .field("open_orders", account.open_orders)
      .end();
  json.key("positions").array();
  for (const PositionRow& row : rows) {
    json.object().field("strategy", strategy_name(sight.objects.control, row.strategy));
    json.field("instrument", instrument_name(sight.objects.control, row.instrument));
    json.field("qty", decimal(row.qty.raw)).field("average", decimal(row.average.raw));
    json.field("last", decimal(row.last.raw)).field("realised", decimal(row.realised.raw));
    json.field("unrealised", decimal(row.unrealised.raw))
        .field("exit_pending", row.exit_pending != 0);
    json.span("age_ns", sight.age_of(row.opened_at)).end();
  }
  json.end().end();
  console.raw(json.text());
}

void counters_json(const StagePage& page, bool all, Json& json) {
  const Statistics& numbers = page.statistics;
  json.key("counters").object();
  const std::size_t n =
      std::min<std::size_t>(numbers.counters_named.load(std::memory_order_acquire), kMaxCounters);
  for (std::size_t i = 0; i < n; ++i)
    if (all || numbers.counter(i) != 0)
      json.field(statistic_name(numbers.counter_names[i]), numbers.counter(i));
  json.end().key("histograms").object();
  const std::size_t h = std::min<std::size_t>(
      numbers.histograms_named.load(std::memory_order_acquire), kMaxHistograms);
  for (std::size_t i = 0; i < h; ++i) {
    const Histogram& histogram = numbers.histograms[i];
    if (!all && histogram.count() == 0) continue;
    json.key(statistic_name(numbers.histogram_names[i])).object().field("count", histogram.count());
    json.field("p50", histogram.quantile(500'000)).field("p99", histogram.quantile(990'000));
    json.field("p99_9", histogram.quantile(999'000)).field("max", histogram.max()).end();
  }
  json.end();
}

void counters_text(Process p, const StagePage& page, bool all, Console& console) {
  const Statistics& numbers = page.statistics;
  const std::size_t n =
      std::min<std::size_t>(numbers.counters_named.load(std::memory_order_acquire), kMaxCounters);
  for (std::size_t i = 0; i < n; ++i)
    if (all || numbers.counter(i) != 0)
      console.out("{:<10} {:<56} {:>14}\n", name_of(p), statistic_name(numbers.counter_names[i]),
                  numbers.counter(i));
  const std::size_t h = std::min<std::size_t>(
      numbers.histograms_named.load(std::memory_order_acquire), kMaxHistograms);
  for (std::size_t i = 0; i < h; ++i) {
    const Histogram& histogram = numbers.histograms[i];
    if (!all && histogram.count() == 0) continue;
    console.out("{:<10} {:<32} count {} p50 {} p99 {} p99.9 {} max {}\n", name_of(p),
                statistic_name(numbers.histogram_names[i]), histogram.count(),
                histogram.quantile(500'000), histogram.quantile(990'000),
                histogram.quantile(999'000), histogram.max());
  }
}

std::vector<Process> chosen(const std::string& word) {
  std::vector<Process> processes;
  std::string known;
  for (const Process p : kProcesses) {
    known += fmt::format(" {}", name_of(p));
    if (word.empty() || word == name_of(p)) processes.push_back(p);
  }
  if (processes.empty())
    throw Error(Exit::Usage, fmt::format("there is no process '{}'; known:{}", word, known));
  return processes;
}

}  // namespace

int run_positions(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  const StagePage& page = page_or_throw(sight, Process::Risk);
  const std::vector<PositionRow> rows = positions_of(page, options.all);
  const AccountRow account = page.read_row<AccountRow>(RowTable::Summary, 0).value_or(AccountRow{});
  if (options.json) {
    positions_json(sight, rows, account, console);
    return static_cast<int>(Exit::Ok);
  }
  console.out("{:<24} {:<14} {:>14} {:>14} {:>14} {:>14} {:>14}\n", "strategy", "instrument", "qty",
              "average", "last", "realised", "unrealised");
  for (const PositionRow& row : rows)
    console.out("{:<24} {:<14} {:>14} {:>14} {:>14} {:>14} {:>14}{}\n",
                strategy_name(sight.objects.control, row.strategy),
                instrument_name(sight.objects.control, row.instrument), decimal(row.qty.raw),
                decimal(row.average.raw), decimal(row.last.raw), decimal(row.realised.raw),
                decimal(row.unrealised.raw), row.exit_pending != 0 ? "  exit pending" : "");
  console.out("account: equity {}, realised {}, unrealised {}, open cost {}, reserved {}, cap {}\n",
              decimal(account.equity.raw), decimal(account.realised.raw),
              decimal(account.unrealised.raw), decimal(account.open_cost.raw),
              decimal(account.reserved_capital.raw), decimal(account.cap.raw));
  return static_cast<int>(Exit::Ok);
}

int run_orders(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  const std::vector<OrderRow> rows = orders_of(page_or_throw(sight, Process::Gateway), options.all);
  Json json;
  json.object().field("instance", sight.instance).key("orders").array();
  if (!options.json)
    console.out("{:<20} {:<14} {:<24} {:<13} {:<4} {:<14} {:>14} {:>12} {:>12} {:>9}  {}\n", "id",
                "instrument", "strategy", "kind", "side", "state", "price", "qty", "filled",
                "changed", "reason");
  for (const OrderRow& row : rows) {
    const std::string instrument = instrument_name(sight.objects.control, row.instrument);
    const std::string strategy = strategy_name(sight.objects.control, row.strategy);
    const std::string_view reason = row.reason == Reason::None ? "" : word_of(row.reason);
    const std::int64_t since = sight.age_of(row.changed_at);
    if (!options.json) {
      console.out("{:<20} {:<14} {:<24} {:<13} {:<4} {:<14} {:>14} {:>12} {:>12} {:>9}  {}\n",
                  id_text(row.id), instrument, strategy, word_of(row.kind), word_of(row.side),
                  state_name(row.state), decimal(row.price.raw), decimal(row.qty.raw),
                  decimal(row.cum_qty.raw), age(since), reason);
      continue;
    }
    json.object()
        .field("id", id_text(row.id))
        .field("instrument", instrument)
        .field("strategy", strategy);
    json.field("kind", word_of(row.kind))
        .field("side", word_of(row.side))
        .field("state", state_name(row.state));
    json.field("price", decimal(row.price.raw)).field("qty", decimal(row.qty.raw));
    json.field("cum_qty", decimal(row.cum_qty.raw))
        .span("changed_ns", since)
        .field("reason", reason)
        .end();
  }
  json.end().end();
  if (options.json) console.raw(json.text());
  return static_cast<int>(Exit::Ok);
}

int run_counters(const Options& options, Console& console) {
  const std::vector<Process> processes = chosen(options.first);
  const Sight sight = look_at(options);
  Json json;
  json.object().field("instance", sight.instance).key("processes").object();
  for (const Process p : processes) {
    const StagePage* page = sight.page(p);
    if (page == nullptr) continue;
    if (!options.json) {
      counters_text(p, *page, options.all, console);
      continue;
    }
    json.key(name_of(p)).object();
    counters_json(*page, options.all, json);
    json.end();
  }
  json.end().end();
  if (options.json) console.raw(json.text());
  return static_cast<int>(Exit::Ok);
}

}  // namespace sluice::ctl
