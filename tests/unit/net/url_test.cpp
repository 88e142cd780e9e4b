#include "core/net/url.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/net/utf8.hpp"

namespace sluice::net {
namespace {

TEST(Url, IsTakenApart) {
  const Url url = parse_url("wss://stream.example.com:9443/stream?streams=a@trade/b@depth@100ms");
  EXPECT_TRUE(url.tls);
  EXPECT_TRUE(url.websocket);
  EXPECT_EQ(url.host, "stream.example.com");
  EXPECT_EQ(url.port, 9443);
  EXPECT_EQ(url.path, "/stream?streams=a@trade/b@depth@100ms");
}

TEST(Url, HasDefaults) {
  EXPECT_EQ(parse_url("ws://h").port, 80);
  EXPECT_EQ(parse_url("wss://h").port, 443);
  EXPECT_EQ(parse_url("http://h").port, 80);
  EXPECT_EQ(parse_url("https://h").port, 443);
  EXPECT_EQ(parse_url("ws://h").path, "/");
  EXPECT_EQ(parse_url("ws://h?a=1").path, "/?a=1");
}

TEST(Url, UnderstandsBracketedAddresses) {
  const Url url = parse_url("http://[::1]:80/x");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 80);
  EXPECT_EQ(parse_url("ws://[::1]").host, "::1");
}

TEST(Url, RefusesNonsenseAsUsage) {
  for (const char* bad :
       {"", "h", "ftp://h", "ws://", "ws://:80", "ws://h:", "ws://h:0", "ws://h:65536", "ws://h:8x",
        "ws://u:p@h", "ws://h/a b", "ws://h/#f", "ws://[::1", "ws://[::1]80"}) {
    try {
      (void)parse_url(bad);
      ADD_FAILURE() << "accepted \"" << bad << '"';
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Exit::Usage) << bad;
      EXPECT_NE(std::string(error.what()).find(bad), std::string::npos);
    }
  }
  EXPECT_EQ(parse_url("ws://h:65535").port, 65535);
  EXPECT_EQ(parse_url("ws://h:1").port, 1);
}

TEST(Url, BoundsThePath) {
  const std::string longest = "ws://h/" + std::string(kMaxPath - 1, 'x');
  EXPECT_EQ(parse_url(longest).path.size(), kMaxPath);
  try {
    (void)parse_url(longest + "x");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "bad URL \"ws://h\": a path of 2033 bytes; 2032 are the most");
  }
}

bool valid(std::string_view text) {
  return valid_utf8({text.data(), text.size()});
}

TEST(Utf8, AcceptsTheBoundsOfEachLength) {
  for (std::string_view good :
       {"", "plain ascii, longer than eight bytes", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "12345678\xc3\xa9"
        "9"}) {
    EXPECT_TRUE(valid(good));
  }
}

TEST(Utf8, RefusesWhatLiesBeyond) {
  for (std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf",
                               "\xed\xa0\x80", "\xe1\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80", "\xff", "\xf1\x80\x80", "12345678\xc3"}) {
    EXPECT_FALSE(valid(bad));
    EXPECT_FALSE(valid("abcdefgh" + std::string(bad)));
  }
}

}  // namespace
}  // namespace sluice::net
