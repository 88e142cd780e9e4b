// Records in words: any record decoded by its Layout table, with the names of instruments,
// strategies and enumerators. A new field is shown without a change here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/control_page.hpp"
#include "core/records.hpp"
#include "core/statistics.hpp"
#include "core/topology.hpp"

namespace sluice::ctl {

std::string_view word_of(TickKind kind) noexcept;
std::string_view word_of(Side side) noexcept;
std::string_view word_of(Action action) noexcept;
std::string_view word_of(IntentReason reason) noexcept;
std::string_view word_of(OrderKind kind) noexcept;
std::string_view word_of(ReportKind kind) noexcept;
std::string_view word_of(Reason reason) noexcept;
std::string_view word_of(StatusCode code) noexcept;

// Name and text of every field, in the order of the layout.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields decode(RecordKind kind, const Payload& payload, const ControlPage* control);

// A name of a statistics page; it may lack its terminating zero on a torn page.
inline std::string_view statistic_name(const char (&name)[kStatisticName]) noexcept {
  const std::string_view all(name, kStatisticName);
  return all.substr(0, all.find('\0'));
}

}  // namespace sluice::ctl
