// Wrong use that must not compile. Without a macro this file is the positive control: it compiles,
// so a case that fails does so because of its own line.
#include <string>

#include "core/log.hpp"
#include "core/records.hpp"
#include "core/stage.hpp"
#include "core/types.hpp"

namespace sluice {

struct Sound {
  std::uint64_t a;
  std::array<std::uint64_t, 6> b;
};
template <>
struct Layout<Sound> {
  static constexpr std::string_view kName = "Sound";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::array kFields{SLUICE_FIELD(Sound, a, Integer),
                                      SLUICE_FIELD(Sound, b, Integer)};
};
static_assert(Record<Sound> && fields_tile<Sound>());

struct WithFloat {
  double a;
  std::array<std::uint64_t, 6> b;
};
template <>
struct Layout<WithFloat> {
  static constexpr std::string_view kName = "WithFloat";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::array kFields{SLUICE_FIELD(WithFloat, a, Integer),
                                      SLUICE_FIELD(WithFloat, b, Integer)};
};

struct Padded {
  std::uint32_t a;  // four bytes of padding follow
  std::array<std::uint64_t, 6> b;
};
template <>
struct Layout<Padded> {
  static constexpr std::string_view kName = "Padded";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::array kFields{SLUICE_FIELD(Padded, a, Integer),
                                      SLUICE_FIELD(Padded, b, Integer)};
};

struct NoRecord {
  std::array<std::uint64_t, 7> words;  // the right size, but nobody declared its layout
};

inline void use(Outputs& out, Log::Producer& log, Price price, Qty qty, HostTime host,
                MarketTime market) {
  (void)(price + price);
  (void)notional(price, qty);
  (void)(host - host);
  (void)(market - market);
  out.emit(Edge::RiskGateway, Order{});
  log.write(Level::Info, "{} of {}", price, qty);

#if defined(CASE_PRICE_PLUS_QTY)
  (void)(price + qty);
#elif defined(CASE_PRICE_TIMES_QTY)
  (void)(price * qty);
#elif defined(CASE_PRICE_FROM_NUMBER)
  price = 5;
#elif defined(CASE_HOST_MINUS_MARKET)
  (void)(host - market);
#elif defined(CASE_HOST_LESS_THAN_MARKET)
  (void)(host < market);
#elif defined(CASE_TIME_PLUS_TIME)
  (void)(host + host);
#elif defined(CASE_FLOAT_RECORD)
  static_assert(Record<WithFloat>);
#elif defined(CASE_PADDED_RECORD)
  static_assert(Record<Padded>);
#elif defined(CASE_EMIT_NO_RECORD)
  out.emit(Edge::RiskGateway, NoRecord{});
#elif defined(CASE_EMIT_PADDED)
  out.emit(Edge::RiskGateway, Padded{});
#elif defined(CASE_LOG_TOO_FEW)
  log.write(Level::Info, "{} of {}", price);
#elif defined(CASE_LOG_FLOAT)
  log.write(Level::Info, "{}", 1.5);
#elif defined(CASE_LOG_STRING)
  log.write(Level::Info, "{}", std::string("dangling"));
#elif defined(CASE_LOG_RUNTIME_TEXT)
  const char text[] = {'x', '\0'};
  log.write(Level::Info, text);
#endif
}

}  // namespace sluice
