// One frame of each stream of the venue, as it comes over the wire, to an Update.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "bench/pieces/piece.hpp"
#include "core/error.hpp"
#include "feed/decode.hpp"

namespace sluice::bench {

class Decode {
 public:
  Decode(std::string_view frame, UpdateKind kind) : frame_(frame) {
    if (decoder_.decode(frame_, {bids_, asks_}, update_) != DecodeError::None ||
        update_.kind != kind)
      throw Error("the frame was not decoded: " + frame_);
  }
  void operator()() noexcept {
    keep(frame_);
    static_cast<void>(decoder_.decode(frame_, {bids_, asks_}, update_));
    keep(update_);
  }

 private:
  std::string frame_;
  std::array<std::string, 1> symbols_{"BTCUSDT"};
  FeedDecoder decoder_{symbols_, 64 * 1024};
  std::array<BookLevel, 16> bids_;
  std::array<BookLevel, 16> asks_;
  Update update_;
};

struct DecodeTrade : Decode {
  static constexpr const char* kName = "decode.trade";
  DecodeTrade()
      : Decode(R"({"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT",)"
               R"("t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,)"
               R"("m":true,"M":true}})",
               UpdateKind::Trade) {}
};

struct DecodeBookTicker : Decode {
  static constexpr const char* kName = "decode.book_ticker";
  DecodeBookTicker()
      : Decode(R"({"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",)"
               R"("b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}})",
               UpdateKind::BookTicker) {}
};

// Four levels.
struct DecodeDepth : Decode {
  static constexpr const char* kName = "decode.depth";
  DecodeDepth()
      : Decode(R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255408,)"
               R"("s":"BTCUSDT","U":50093239208,"u":50093239224,)"
               R"("b":[["61837.63000000","3.78826000"],["61820.99000000","0.00000000"]],)"
               R"("a":[["61837.64000000","1.60520000"],["61841.00000000","0.00000000"]]}})",
               UpdateKind::Depth) {}
};

using FeedPieces = Pieces<DecodeTrade, DecodeBookTicker, DecodeDepth>;

}  // namespace sluice::bench
