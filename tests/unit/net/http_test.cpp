#include <gtest/gtest.h>

#include <optional>

#include "core/error.hpp"
#include "core/net/http_client.hpp"
#include "core/net/server.hpp"
#include "tests/unit/net/net_support.hpp"

namespace sluice::net::test {
namespace {

struct Pages : ServerHandler {
  Response on_http(const Request& request) override {
    last = request;
    if (request.path == "/hello") return {200, "text/plain", "hello"};
    if (request.path == "/big") return {200, "text/plain", big};
    if (request.path == "/empty") return {200, "text/plain", ""};
    return {404, "application/json", R"({"code":-1,"msg":"no"})"};
  }
  Request last;
  std::string big;
};

class Http : public testing::Test {
 protected:
  Http() : server(loop, pages), client(loop, 1 << 20) {
    for (int i = 0; i < (1 << 20); ++i) pages.big += static_cast<char>('a' + i % 19);
  }
  HttpResult get(const std::string& path) { return get_from(server.port(), path); }
  HttpResult get_from(std::uint16_t port, const std::string& path,
                      Duration within = Duration::seconds(5)) {
    std::optional<HttpResult> result;
    EXPECT_TRUE(client.get("http://127.0.0.1:" + std::to_string(port) + path, within,
                           [&](HttpResult got) { result = std::move(got); }));
    EXPECT_FALSE(result.has_value());
    EXPECT_TRUE(serve_until(loop, [&] { return result.has_value(); }));
    return result.value_or(HttpResult{});
  }

  Loop loop;
  Pages pages;
  Server server;
  HttpClient client;
};

TEST_F(Http, GetsPagesOneAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    const HttpResult ok = get("/hello?symbol=BTCUSDT&limit=5");
    EXPECT_EQ(ok.status, 200u) << ok.error;
    EXPECT_EQ(ok.body, "hello");
    EXPECT_EQ(query_value(pages.last.query, "symbol"), "BTCUSDT");
    EXPECT_EQ(query_value(pages.last.query, "limit"), "5");
    EXPECT_EQ(query_value(pages.last.query, "lim"), "");
    const HttpResult missing = get("/nothing");
    EXPECT_EQ(missing.status, 404u);
    EXPECT_EQ(missing.body, R"({"code":-1,"msg":"no"})");
    EXPECT_EQ(get("/empty").status, 200u);
  }
}

TEST_F(Http, BoundsTheBody) {
  const HttpResult exact = get("/big");
  EXPECT_EQ(exact.status, 200u) << exact.error;
  EXPECT_TRUE(exact.body == pages.big);
  pages.big += 'x';
  const HttpResult over = get("/big");
  EXPECT_EQ(over.status, 0u);
  EXPECT_NE(over.error.find("exceeds 1048576 bytes"), std::string::npos) << over.error;
}

TEST_F(Http, ReportsARefusedConnection) {
  std::uint16_t port = 0;
  { port = BareServer().port(); }
  const HttpResult refused = get_from(port, "/");
  EXPECT_EQ(refused.status, 0u);
  EXPECT_NE(refused.error.find("connection refused"), std::string::npos) << refused.error;
  EXPECT_FALSE(client.is_busy());
}

TEST_F(Http, GivesUpAtTheDeadline) {
  BareServer silent;
  const HttpResult late = get_from(silent.port(), "/", Duration::millis(50));
  EXPECT_EQ(late.status, 0u);
  EXPECT_NE(late.error.find("deadline"), std::string::npos) << late.error;
  EXPECT_EQ(get("/hello").status, 200u);
}

TEST_F(Http, ReportsAnAnswerThatBreaksOff) {
  BareServer bare;
  std::optional<HttpResult> result;
  client.get("http://127.0.0.1:" + std::to_string(bare.port()) + "/", Duration::seconds(5),
             [&](HttpResult got) { result = std::move(got); });
  bool answered = false;
  ASSERT_TRUE(serve_until(
      loop, [&] { return result.has_value(); },
      [&] {
        if (answered || !bare.has_request()) return;
        answered = true;
        bare.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        bare.hang_up();
      }));
  EXPECT_EQ(result->status, 0u);
  EXPECT_FALSE(result->error.empty());
}

TEST_F(Http, TakesOneRequestAtATime) {
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/hello";
  int answers = 0;
  ASSERT_TRUE(client.get(url, Duration::seconds(5), [&](HttpResult) { ++answers; }));
  EXPECT_FALSE(client.get(url, Duration::seconds(5), [&](HttpResult) { answers += 100; }));
  ASSERT_TRUE(serve_until(loop, [&] { return !client.is_busy(); }));
  EXPECT_EQ(answers, 1);
  EXPECT_THROW(client.get("ws://127.0.0.1/", Duration::seconds(1), {}), Error);
}

TEST_F(Http, AnswersOtherMethodsWith405) {
  for (const std::string_view head :
       {"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
        "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::send(fd, head.data(), head.size(), MSG_NOSIGNAL);
    std::string answer;
    char chunk[1024];
    EXPECT_TRUE(serve_until(loop, [&] {
      const ssize_t n = ::recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
      if (n > 0) answer.append(chunk, static_cast<std::size_t>(n));
      return n == 0;
    }));
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 405") << head;
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << "two answers to " << head;
    ::close(fd);
  }
}

}  // namespace
}  // namespace sluice::net::test
