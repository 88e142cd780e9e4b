// Compares a book's top with the venue's own bookTicker, update id by update id. The venue's top is
// a step function of the update id: a bookTicker holds until the next one. So the top of a book
// that has reached id n must equal the last bookTicker with an id <= n, once the next one is known
// to lie above n. The two streams race each other, so either may come first; a few tops are
// remembered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "feed/decode.hpp"

namespace sluice {

class TopCheck {
 public:
  enum class Verdict : std::uint8_t { Unknown = 0, Equal = 1, Different = 2 };

  // Ids rise from call to call (the caller drops the others).
  Verdict on_ticker(std::uint64_t id, const Top& top) noexcept {
    Verdict verdict = Verdict::Unknown;
    if (book_.id != 0 && id >= book_.id) {
      if (id == book_.id) {
        verdict = compare(top, book_.top);
      } else if (count_ != 0) {
        verdict = compare(tickers_[(count_ - 1) % kRemembered].top, book_.top);
      }
      book_.id = 0;
    }
    tickers_[count_++ % kRemembered] = {id, top};
    return verdict;
  }

  Verdict on_book(std::uint64_t id, const Top& top) noexcept {
    book_.id = 0;
    const std::size_t oldest = count_ > kRemembered ? count_ - kRemembered : 0;
    for (std::size_t i = count_; i-- > oldest;) {
      const Sample& ticker = tickers_[i % kRemembered];
      if (ticker.id > id) continue;
      const bool known_next = i + 1 != count_;
      if (ticker.id == id || known_next) return compare(ticker.top, top);
      break;
    }
    if (count_ == 0 || tickers_[(count_ - 1) % kRemembered].id < id) book_ = {id, top};
    return Verdict::Unknown;
  }

  void reset() noexcept {
    count_ = 0;
    book_.id = 0;
  }

 private:
  static constexpr std::size_t kRemembered = 32;  // a depth update covers 100 ms
  struct Sample {
    std::uint64_t id = 0;
    Top top{};
  };
  static Verdict compare(const Top& a, const Top& b) noexcept {
    return a == b ? Verdict::Equal : Verdict::Different;
  }

  std::array<Sample, kRemembered> tickers_{};
  std::size_t count_ = 0;  // bookTickers remembered so far
  Sample book_{};          // waits for the next bookTicker; id 0 = nothing waits
};

}  // namespace sluice
