// Records in words, from their Layout tables: every field by name, enumerators by name, money
// exact. A field that is added to a record is shown without a change here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/pipeline.hpp"
#include "core/records.hpp"
#include "core/topology.hpp"

namespace sluice::replay {

struct FieldText {
  std::string name;
  std::string text;
  bool number = false;  // may stand unquoted in JSON without losing a digit

  friend bool operator==(const FieldText&, const FieldText&) = default;
};

// Reserved fields are shown only if they are not zero: in a damaged entry they may be what differs.
// `names` gives instruments and strategies their names; null shows their indices.
std::vector<FieldText> fields_of(RecordKind kind, const Payload& payload,
                                 const PipelineConfig* names);
std::string line_of(const std::vector<FieldText>& fields);  // "id=1:seat0:7:0 side=buy ..."
std::string json_members(
    const std::vector<FieldText>& fields);     // "\"id\":\"...\",..." without braces
std::string json_text(std::string_view text);  // quoted and escaped

// The words and numbers that fields are made of.
std::string enum_text(RecordKind record, std::string_view field, std::uint64_t raw);
std::string decimal_text(std::int64_t raw);  // of an amount, exact
std::string utc_text(std::int64_t ns);       // of a market time
std::string id_text(OrderId id);             // run:origin:counter:slice; "none" for 0

// "seat0->risk", "control", "session->gateway"; "edge 77 (no such edge)" for what is none.
std::string edge_label(Edge edge);
// The edge and what travels on it: "seat0->risk Intent".
std::string edge_title(Edge edge);
std::string time_text(HostTime at);  // seconds since boot, all nine digits

}  // namespace sluice::replay
