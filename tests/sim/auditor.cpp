#include "tests/sim/auditor.hpp"

#include <fmt/format.h>

namespace sluice::sim {
namespace {

constexpr std::size_t kLinesKept = 12;

std::string text_of(const PaperEntry& e) {
  return fmt::format("id {:016x} kind {} what {} price {} qty {} cum {} at {}", e.id.raw,
                     static_cast<int>(e.kind), static_cast<int>(e.what), e.price.raw, e.qty.raw,
                     e.cum_qty.raw, e.at.ns);
}

}  // namespace

void Violations::add(std::string what) {
  if (++total_ <= kLinesKept) lines_.push_back(std::move(what));
}

std::string Violations::text() const {
  std::string text;
  for (const std::string& line : lines_) text += line + "\n";
  if (total_ > kLinesKept) text += fmt::format("and {} more\n", total_ - kLinesKept);
  return text;
}

bool Violations::about(const std::string& invariant) const {
  for (const std::string& line : lines_)
    if (line.starts_with(invariant + ":")) return true;
  return false;
}

PaperAuditor::PaperAuditor(const Objects& objects, Duration dead_man)
    : objects_(objects), dead_man_(dead_man) {
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (objects.control->scope_exists(scope_at(slot))) scopes_.push_back(slot);
}

void PaperAuditor::watch(HostTime now) {
  for (const std::size_t slot : scopes_) {
    const std::uint64_t word = objects_.kill->words[slot].load();
    if (word == words_[slot]) continue;
    words_[slot] = word;
    changed_[slot] = now;
  }
}

void PaperAuditor::look(HostTime now, Violations& violations) {
  const JournalMemory& log = *objects_.paper_log;
  for (; position_ < log.tail.load(); ++position_) {
    JournalEntry entry;
    const JournalSlot& raw = log.slots()[position_ & (log.header.capacity - 1)];
    const auto status = decoder_.decode(raw, position_, entry);
    if (status == JournalDecoder::Status::Corrupt)
      violations.add(fmt::format("I6: paper log entry {} fails its checksum", position_));
    if (status != JournalDecoder::Status::Input) continue;
    const auto paper = from_payload<PaperEntry>(entry.payload);
    entries_.push_back(paper);
    switch (paper.what) {
      case PaperWhat::Placed: placed(paper, now, violations); break;
      case PaperWhat::Filled: filled(paper, violations); break;
      case PaperWhat::Cancelled:
      case PaperWhat::Expired: end(paper, violations); break;
      case PaperWhat::CancelAsked:
      case PaperWhat::CancelRejected: break;
    }
  }
}

void PaperAuditor::placed(const PaperEntry& entry, HostTime now, Violations& violations) {
  const OrderClass what = class_of(entry.kind);
  const auto scopes = order_scopes(0, entry.strategy, entry.instrument);
  const bool twice = !orders_.emplace(entry.id.raw, LogOrder{entry, {}, false}).second;
  if (twice) violations.add("I1: placed twice: " + text_of(entry));
  bool permitted = true;
  KillLevel level = KillLevel::Run;
  HostTime changed{};
  const Heartbeat beat = objects_.control->beat();
  for (const std::size_t slot : scopes) {
    if (!objects_.control->scope_exists(scope_at(slot)))
      violations.add("I4: placed in a scope that does not exist: " + text_of(entry));
    level = max_level(level, objects_.kill->read(slot).level);
    changed = std::max(changed, changed_[slot]);
    permitted = permitted && objects_.control->permit(slot, beat.lease_epoch).valid;
  }
  if (!allowed(level, what))
    violations.add(fmt::format("I4: placed under {}: {}", name_of(level), text_of(entry)));
  if (entry.approved_at < changed)
    violations.add(fmt::format("I4: approved at {}, before the kill word changed at {}: {}",
                               entry.approved_at.ns, changed.ns, text_of(entry)));
  if (what != OrderClass::Entry) return;
  if (!permitted) violations.add("I4: an entry without a permit: " + text_of(entry));
  // One scan each millisecond finds it; a turn takes no time here.
  const auto age =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(now.ns) / 1'000 - beat.at_us) * 1'000;
  if (age > (dead_man_ + Duration::millis(2)).ns)
    violations.add(
        fmt::format("I4: an entry {} ns after the last heartbeat: {}", age, text_of(entry)));
  const Notional cap{
      std::min(objects_.control->caps[scopes[0]].load(), objects_.control->caps[scopes[2]].load())};
  if (open_cost() > cap)
    violations.add(fmt::format("I5: open cost {} above the cap {}: {}", open_cost().raw, cap.raw,
                               text_of(entry)));
}

void PaperAuditor::filled(const PaperEntry& entry, Violations& violations) {
  const auto found = orders_.find(entry.id.raw);
  if (found == orders_.end()) return violations.add("I2: filled, never placed: " + text_of(entry));
  LogOrder& order = found->second;
  order.cum += entry.qty;
  if (order.ended || order.cum > order.placed.qty || order.cum != entry.cum_qty)
    violations.add("I3: a fill that cannot be: " + text_of(entry));
  order.ended = order.cum == order.placed.qty;
  Cell& cell = cells_[{entry.strategy, entry.instrument}];
  const bool buy = entry.side == Side::Buy;
  const bool grows = cell.qty == Qty{} || (cell.qty > Qty{}) == buy;
  const Qty size = cell.qty < Qty{} ? -cell.qty : cell.qty;
  if (!grows && entry.qty > size) violations.add("I3: an exit passed flat: " + text_of(entry));
  if (grows) {
    cell.cost += notional(entry.price, entry.qty);
  } else {
    cell.cost -= scaled(cell.cost, std::min(entry.qty, size).raw, size.raw);
  }
  cell.qty += buy ? entry.qty : -entry.qty;
}

void PaperAuditor::end(const PaperEntry& entry, Violations& violations) {
  const auto found = orders_.find(entry.id.raw);
  if (found == orders_.end() || found->second.ended)
    return violations.add("I3: ended twice or never placed: " + text_of(entry));
  found->second.ended = true;
}

Notional PaperAuditor::open_cost() const {
  Notional total{};
  for (const auto& [where, cell] : cells_) total += cell.cost;
  for (const auto& [id, order] : orders_)
    if (!order.ended && order.placed.kind == OrderKind::Entry)
      total += notional(order.placed.price, order.placed.qty - order.cum);
  return total;
}

Qty PaperAuditor::position(StrategyIndex strategy, InstrumentIndex instrument) const {
  const auto found = cells_.find({strategy, instrument});
  return found == cells_.end() ? Qty{} : found->second.qty;
}

std::size_t PaperAuditor::count(PaperWhat what) const {
  std::size_t n = 0;
  for (const PaperEntry& entry : entries_) n += entry.what == what ? 1u : 0u;
  return n;
}

std::size_t PaperAuditor::placed(OrderClass what) const {
  std::size_t n = 0;
  for (const auto& [id, order] : orders_) n += class_of(order.placed.kind) == what ? 1u : 0u;
  return n;
}

}  // namespace sluice::sim
