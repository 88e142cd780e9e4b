#include "tools/venue/request.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tools/venue/fault.hpp"
#include "tools/venue/venue.hpp"

namespace sluice::venue {
namespace {

ClientRequest parsed(std::string_view text) {
  return parse_request({text.data(), text.size()});
}

TEST(ClientRequest, SubscribesAndAnswersWithTheSameId) {
  const ClientRequest request =
      parsed(R"({"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth@100ms"],"id":312})");
  EXPECT_EQ(request.method, Method::Subscribe);
  EXPECT_EQ(request.streams, (std::vector<std::string>{"btcusdt@trade", "btcusdt@depth@100ms"}));
  EXPECT_EQ(request.answer, R"({"result":null,"id":312})");
  EXPECT_EQ(parsed(R"({"method":"UNSUBSCRIBE","params":["a"],"id":"x\"y"})").answer,
            R"({"result":null,"id":"x\"y"})");
  EXPECT_EQ(parsed(R"({"method":"UNSUBSCRIBE","params":["a"]})").answer,
            R"({"result":null,"id":null})");
  EXPECT_EQ(parsed(R"({"method":"LIST_SUBSCRIPTIONS","id":-1})").method, Method::List);
}

TEST(ClientRequest, AnswersNonsenseWithAnError) {
  for (const char* bad :
       {"", "{", "[]", "7", R"({"id":1})", R"({"method":"BUY","id":1})",
        R"({"method":"SUBSCRIBE","id":1})", R"({"method":"SUBSCRIBE","params":[],"id":1})",
        R"({"method":"SUBSCRIBE","params":[1],"id":1})",
        R"({"method":"SUBSCRIBE","params":"a","id":1})",
        R"({"method":"SUBSCRIBE","params":["a"],"id":1.5})"}) {
    const ClientRequest request = parsed(bad);
    EXPECT_EQ(request.method, Method::None) << bad;
    EXPECT_EQ(request.answer.substr(0, 26), R"({"error":{"code":2,"msg":")") << bad;
  }
}

TEST(Fault, IsParsed) {
  const Fault gap = parse_fault("gap:@2000:3");
  EXPECT_EQ(gap.kind, FaultKind::Gap);
  EXPECT_EQ(gap.after, 2000u);
  EXPECT_EQ(gap.n, 3u);
  EXPECT_EQ(parse_fault("gap:@0").n, 1u);
  EXPECT_EQ(parse_fault("drop:@1").kind, FaultKind::Drop);
  EXPECT_EQ(injected_message(parse_fault("oversize:@1:100")).size(), 100u);
  EXPECT_EQ(injected_message(parse_fault("oversize:@1")).size(), 2u << 20);
  for (const char* bad : {"", "drop", "drop:1", "drop:@", "drop:@x", "drop:@1:2", "gap:@1:0",
                          "gap:@1:", "oversize:@1:67108865", "explode:@1"}) {
    EXPECT_THROW((void)parse_fault(bad), Error) << bad;
  }
  EXPECT_EQ(parse_fault("oversize:@1:67108864").n, 67108864u);
}

TEST(Speed, IsParsed) {
  EXPECT_EQ(parse_speed("max"), 0);
  EXPECT_EQ(parse_speed("12"), 12 * kScale);
  EXPECT_EQ(parse_speed("0.01"), kScale / 100);
  EXPECT_EQ(parse_speed("10000"), 10'000 * kScale);
  for (const char* bad : {"", "0", "0.0099", "10000.1", "-1", "fast", "1x"}) {
    EXPECT_THROW((void)parse_speed(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace sluice::venue
