#include "tools/supervisor/own_pages.hpp"

#include <fmt/format.h>

#include <cstring>

#include "core/decimal.hpp"
#include "tools/supervisor/latch.hpp"

namespace sluice {

OwnPages::OwnPages(const Objects& objects) noexcept
    : objects_(objects),
      control_(copy(objects.control->header)),
      kill_(copy(objects.kill->header)) {
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    caps_[slot] = objects.control->caps[slot].load(std::memory_order_relaxed);
}

OwnPages::Header OwnPages::copy(const SegmentHeader& header) noexcept {
  Header bytes;
  std::memcpy(bytes.data(), static_cast<const void*>(&header), bytes.size());
  return bytes;
}

std::string OwnPages::damage() const {
  for (const auto& [name, is, was] :
       {std::tuple{"control", copy(objects_.control->header), &control_},
        std::tuple{"kill", copy(objects_.kill->header), &kill_}})
    if (is != *was)
      return fmt::format(
          "the header of the {} page was changed by somebody else: sluicectl may not find it; end "
          "this run",
          name);
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects_.control->scope_exists(scope_at(slot))) continue;  // nobody reads it
    const std::int64_t cap = objects_.control->caps[slot].load(std::memory_order_relaxed);
    if (cap == caps_[slot]) continue;
    const std::string scope = scope_name(*objects_.control, scope_at(slot));
    DecimalText was;
    DecimalText is;
    return fmt::format(
        "the cap of {} was changed by somebody else from {} to {}: sluicectl cap sets it again",
        scope, format_decimal(caps_[slot], was), format_decimal(cap, is));
  }
  return {};
}

}  // namespace sluice
