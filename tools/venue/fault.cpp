#include "tools/venue/fault.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/error.hpp"

namespace sluice::venue {
namespace {

struct Name {
  std::string_view word;
  FaultKind kind;
  std::uint64_t n;  // default of :N; 0: the kind takes none
};
constexpr Name kNames[] = {{"close-mid-message", FaultKind::CloseMidMessage, 0},
                           {"malformed-json", FaultKind::MalformedJson, 0},
                           {"invalid-utf8", FaultKind::InvalidUtf8, 0},
                           {"oversize", FaultKind::Oversize, std::uint64_t{2} << 20},
                           {"mute", FaultKind::Mute, 0},
                           {"drop", FaultKind::Drop, 0},
                           {"gap", FaultKind::Gap, 1}};
constexpr std::uint64_t kMaxN = std::uint64_t{64} << 20;

bool number(std::string_view text, std::uint64_t& out) {
  const char* const last = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), last, out);
  return error == std::errc() && stop == last;
}

}  // namespace

Fault parse_fault(std::string_view text) {
  const auto refuse = [text](std::string_view why) -> Fault {
    throw Error(Exit::Usage,
                fmt::format("--fault {}: {}; wanted KIND:@MSG or KIND:@MSG:N with KIND one "
                            "of close-mid-message, malformed-json, invalid-utf8, oversize, "
                            "mute, drop, gap",
                            text, why));
  };
  const std::size_t colon = text.find(":@");
  if (colon == std::string_view::npos) return refuse("there is no :@MSG");
  for (const Name& name : kNames) {
    if (text.substr(0, colon) != name.word) continue;
    Fault fault{name.kind, 0, name.n, false};
    std::string_view rest = text.substr(colon + 2);
    const std::size_t second = rest.find(':');
    if (second != std::string_view::npos) {
      if (name.n == 0) return refuse("this kind takes no :N");
      if (!number(rest.substr(second + 1), fault.n) || fault.n == 0 || fault.n > kMaxN) {
        return refuse("N must be a number from 1 to 67108864");
      }
      rest = rest.substr(0, second);
    }
    if (!number(rest, fault.after)) return refuse("MSG must be a number");
    return fault;
  }
  return refuse("unknown kind");
}

std::string injected_message(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::MalformedJson:
      return R"({"stream":"btcusdt@trade","data":{"e":"trade","E":17231612)";
    case FaultKind::InvalidUtf8:
      return "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"\xc3\x28\"}}";
    case FaultKind::Oversize: {
      std::string text = R"({"stream":"btcusdt@trade","data":{"e":")";
      const std::string_view end = "\"}}";
      if (fault.n > text.size() + end.size()) text.append(fault.n - text.size() - end.size(), 'x');
      return text.append(end);
    }
    case FaultKind::CloseMidMessage:
    case FaultKind::Mute:
    case FaultKind::Drop:
    case FaultKind::Gap: break;
  }
  return {};
}

}  // namespace sluice::venue
