// The referee's last word on a run: every journal is shown to a fresh stage, and what producers
// made, rings carried and consumers journaled must be the same bytes.
#include <fmt/format.h>

#include <cstring>
#include <set>
#include <unordered_map>

#include "tests/sim/film.hpp"
#include "tests/sim/world.hpp"

namespace sluice::sim {
namespace {

struct Films {
  Film seat;
  Film risk;
  Film gateway;
};

bool empty_of(const Film& film, Edge edge) {
  return !film.inputs.contains(edge);
}

// What the consumer has journaled must be what the producer made, in its order; all of it at rest.
void compare(Edge edge, const std::vector<Payload>& made, const Film& consumer, bool at_rest,
             Violations& violations) {
  static const std::vector<Payload> kNone;
  const auto& taken = empty_of(consumer, edge) ? kNone : consumer.inputs.at(edge);
  const EdgeInfo& info = *edge_info(edge);
  const std::string name = fmt::format("{}-{}", name_of(info.from), name_of(info.to));
  if (taken.size() > made.size() || (at_rest && taken.size() != made.size()))
    violations.add(fmt::format("I6: {}: {} made, {} journaled", name, made.size(), taken.size()));
  for (std::size_t i = 0; i < std::min(made.size(), taken.size()); ++i)
    if (made[i] != taken[i])
      return violations.add(fmt::format("I6: {}: record {} of {} differs", name, i, taken.size()));
}

void compare_heads(Objects& objects, Edge edge, const Film& consumer, bool at_rest,
                   Violations& violations) {
  const std::uint64_t journaled = empty_of(consumer, edge) ? 0 : consumer.inputs.at(edge).size();
  const std::uint64_t head = objects.edge(edge).head.load();
  if (head > journaled || (at_rest && head != journaled))
    violations.add(
        fmt::format("I6: edge {}: {} journaled, head {}", static_cast<int>(edge), journaled, head));
}

// Ticks delivered live + counts of gaps = ticks produced, once the edge has caught up.
void count_gaps(Edge edge, const std::vector<Payload>& pushed, const FeedProcess& feed,
                Violations& violations) {
  std::uint64_t live = 0;
  std::uint64_t missed = 0;
  for (const Payload& payload : pushed) {
    const auto tick = from_payload<Tick>(payload);
    const bool gap = tick.kind == TickKind::Status && tick.status() == StatusCode::Gap;
    if (gap) missed += static_cast<std::uint64_t>(tick.count());
    if (!gap && (tick.flags & kAfterGap) == 0) ++live;
  }
  if (feed.fanout.behind(edge) || live + missed != feed.fanout.produced())
    violations.add(fmt::format("I6: tick edge {}: {} live + {} in gaps of {} produced{}",
                               static_cast<int>(edge), live, missed, feed.fanout.produced(),
                               feed.fanout.behind(edge) ? ", still behind" : ""));
}

Film film_risk(World& world, const std::vector<JournalSlot>& file, Violations& violations) {
  const auto fresh =
      std::make_unique<risk::RiskStage>(world.config().risk, world.config().pipeline);
  Film film = project(
      *fresh, file, {Edge::RiskGateway, Edge::RiskSeat0},
      [&](const risk::RiskStage& stage, const JournalEntry& entry, const Outputs& out) {
        if (entry.edge != Edge::SeatRisk0 || out.lane(0).count == 0) return;
        const auto order = from_payload<Order>(out.lane(0).records[0]);
        if (order.kind != OrderKind::Entry) return;
        const Notional cap = std::min(stage.state().scopes.global_cap(),
                                      stage.state().scopes.strategy_cap(order.strategy));
        if (stage.state().used() > cap)
          violations.add(fmt::format("I5: {} in use above the cap {} when {:016x} was approved",
                                     stage.state().used().raw, cap.raw, order.id.raw));
      });
  if (std::memcmp(&fresh->state(), &world.risk().state(), sizeof(risk::State)) != 0)
    violations.add("I6: risk's state is not what its journal makes");
  return film;
}

Film film_gateway(World& world, const std::vector<JournalSlot>& file, Violations& violations) {
  const auto fresh = std::make_unique<GatewayStage>(world.config().gateway);
  Film film = project(*fresh, file, {Edge::Command, Edge::GatewayRisk}, [](auto&&...) {});
  if (std::memcmp(&fresh->state(), &world.gateway().stage.state(), sizeof(GatewayStage::State)) !=
      0)
    violations.add("I6: the gateway's state is not what its journal makes");
  return film;
}

// Every placed order stands exactly once in the gateway's journal.
void check_orders(const PaperAuditor& paper, const Film& gateway, Violations& violations) {
  std::unordered_map<std::uint64_t, std::size_t> journaled;
  if (!empty_of(gateway, Edge::RiskGateway))
    for (const Payload& payload : gateway.inputs.at(Edge::RiskGateway))
      if (const auto order = from_payload<Order>(payload); order.kind != OrderKind::Cancel)
        ++journaled[order.id.raw];
  for (const auto& [id, order] : paper.orders())
    if (journaled[id] != 1)
      violations.add(fmt::format(
          "I2: {:016x} is placed and stands {} times in the gateway's journal", id, journaled[id]));
}

void check_positions(World& world, Violations& violations) {
  const risk::RiskStage& risk = world.risk();
  for (std::size_t i = 0; i < risk.rules().pairs; ++i) {
    const risk::Pair& pair = risk.rules().pair[i];
    const Qty held = risk.state().positions.at(static_cast<risk::PairIndex>(i)).qty;
    const Qty logged = world.paper().position(pair.strategy, pair.instrument);
    if (held != logged)
      violations.add(
          fmt::format("I3: risk holds {} of pair {}, the log says {}", held.raw, i, logged.raw));
  }
}

// Working at risk = open at the gateway = open at the venue, and none of them in doubt.
void check_rest(World& world, Violations& violations) {
  std::set<std::uint64_t> risk;
  std::set<std::uint64_t> gateway;
  std::set<std::uint64_t> venue;
  world.risk().state().orders.each_working(
      [&](std::size_t, const risk::LiveOrder& order) { risk.insert(order.id.raw); });
  const auto& orders = world.gateway().stage.state().orders;
  for (SlotIndex i = 0; i < orders.used(); ++i) {
    const OrderSlot& slot = orders.at(i);
    if (is_terminal(slot.state)) continue;
    gateway.insert(slot.id.raw);
    if (slot.state == OrderState::Sending || slot.state == OrderState::InDoubt)
      violations.add(fmt::format("I7: {:016x} is {}", slot.id.raw, name_of(slot.state)));
  }
  for (const auto& [id, order] : world.paper().orders())
    if (!order.ended) venue.insert(id);
  if (risk != gateway || gateway != venue)
    violations.add(fmt::format("I7: working: {} at risk, {} at the gateway, {} at the venue",
                               risk.size(), gateway.size(), venue.size()));
}

// An intent is answered, or its order still works.
void check_answers(const strategies::StrategyStage& seat, const risk::RiskStage& risk,
                   Violations& violations) {
  for (std::size_t i = 0; i < seat.pairs(); ++i) {
    const OrderId waiting = seat.state().pairs[i].outstanding;
    bool works = waiting.raw == 0;
    risk.state().orders.each_working([&](std::size_t, const risk::LiveOrder& order) {
      works = works || order.id.parent() == waiting;
    });
    if (!works) violations.add(fmt::format("I7: intent {:016x} was never answered", waiting.raw));
  }
}

// What a stage stops for is a bug here: nobody else writes into these rings.
void check_faults(Objects& objects, Violations& violations) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects.control->scope_exists(scope_at(slot))) continue;
    const KillWord word = objects.kill->read(slot);
    const bool internal =
        word.cause == KillCause::DuplicateId || word.cause == KillCause::Reconciliation ||
        word.cause == KillCause::CorruptRing || word.cause == KillCause::InternalFault;
    if (internal) violations.add(fmt::format("I6: a gate stopped itself: {}", name_of(word.cause)));
  }
}

}  // namespace

void World::watch_faults() {
  check_faults(objects(), violations_);
}

void World::verify(bool at_rest) {
  record_most_ = ~std::size_t{0};
  record();
  check_faults(objects(), violations_);
  for (const Process process : kAll)
    if (!alive(process)) return violations_.add(fmt::format("I7: {} is dead", name_of(process)));
  Films films;
  if (parts_.seats[0]) {
    strategies::StrategyStage fresh(0, config_.pipeline);
    films.seat = project(fresh, files_[0], {Edge::SeatRisk0}, [](auto&&...) {});
  }
  films.risk = film_risk(*this, files_[1], violations_);
  films.gateway = film_gateway(*this, files_[2], violations_);
  if (!films.seat.intact || !films.risk.intact || !films.gateway.intact)
    violations_.add("I6: a journal entry fails its checksum");

  compare(Edge::FeedRisk, feed_log_.pushed[Edge::FeedRisk], films.risk, at_rest, violations_);
  compare(Edge::FeedGateway, feed_log_.pushed[Edge::FeedGateway], films.gateway, at_rest,
          violations_);
  compare(Edge::RiskGateway, films.risk.outputs[Edge::RiskGateway], films.gateway, at_rest,
          violations_);
  compare(Edge::GatewayRisk, films.gateway.outputs[Edge::GatewayRisk], films.risk, at_rest,
          violations_);
  if (parts_.seats[0]) {
    compare(Edge::FeedSeat0, feed_log_.pushed[Edge::FeedSeat0], films.seat, at_rest, violations_);
    compare(Edge::SeatRisk0, films.seat.outputs[Edge::SeatRisk0], films.risk, at_rest, violations_);
    compare(Edge::RiskSeat0, films.risk.outputs[Edge::RiskSeat0], films.seat, at_rest, violations_);
    for (const Edge edge : {Edge::FeedSeat0, Edge::RiskSeat0})
      compare_heads(objects(), edge, films.seat, at_rest, violations_);
  }
  for (const Edge edge : {Edge::FeedRisk, Edge::GatewayRisk, Edge::SeatRisk0})
    compare_heads(objects(), edge, films.risk, at_rest, violations_);
  for (const Edge edge : {Edge::FeedGateway, Edge::RiskGateway})
    compare_heads(objects(), edge, films.gateway, at_rest, violations_);

  check_orders(auditor_, films.gateway, violations_);
  if (!at_rest) return;
  check_positions(*this, violations_);
  check_rest(*this, violations_);
  if (parts_.seats[0]) check_answers(parts_.seats[0]->stage, parts_.risk->stage, violations_);
  if (feed_log_.crashes == 0)
    for (const Edge edge : kFeedEdges)
      if (edge != Edge::FeedSeat0 || parts_.seats[0])
        count_gaps(edge, feed_log_.pushed[edge], *parts_.feed, violations_);
}

}  // namespace sluice::sim
