// Which executables can speak to a network at all: read from the finished files, not from the
// build's intent. The feed and the simulated venue link the socket library; nothing that decides or
// places orders does.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "tests/e2e/box.hpp"

namespace sluice::e2e {
namespace {

constexpr std::array kNetworkLibraries{"libwebsockets", "libssl", "libcrypto", "libcurl",
                                       "libnghttp",     "libev.", "libev-",    "libevent",
                                       "libuv",         "libzmq", "libnats",   "libboost_asio"};
constexpr std::array kSocketCalls{"socket",   "connect", "bind",        "listen",
                                  "accept",   "accept4", "sendto",      "sendmsg",
                                  "recvfrom", "recvmsg", "getaddrinfo", "socketpair"};

std::string libraries_of(const std::string& program) {
  const Outcome ldd = run({"ldd", bin(program)});
  EXPECT_EQ(ldd.exit_code, 0) << ldd.out;
  EXPECT_NE(ldd.out.find("libc.so"), std::string::npos) << "ldd says nothing about " << program;
  return ldd.out;
}

// Names the program itself asks the loader for, without their versions.
std::vector<std::string> imports_of(const std::string& program) {
  const Outcome nm = run({"nm", "-D", "--undefined-only", bin(program)});
  EXPECT_EQ(nm.exit_code, 0) << nm.out;
  std::vector<std::string> names;
  std::istringstream lines(nm.out);
  for (std::string kind, name; lines >> kind;)
    if (kind == "U" && lines >> name) names.push_back(name.substr(0, name.find('@')));
  EXPECT_FALSE(names.empty()) << "nm says nothing about " << program;
  return names;
}

bool imports(const std::vector<std::string>& names, const std::string& call) {
  return std::find(names.begin(), names.end(), call) != names.end();
}

TEST(Linkage, OnlyFeedAndVenueLinkTheSocketLibrary) {
  for (const char* program : {"sluice-strategy", "sluice-risk", "sluice-gateway", "sluice-replay",
                              "sluicectl", "sluice-supervisor", "sluice-recorder"}) {
    const std::string libraries = libraries_of(program);
    for (const char* library : kNetworkLibraries)
      EXPECT_EQ(libraries.find(library), std::string::npos)
          << program << " links " << library << "\n"
          << libraries;
  }
  for (const char* program : {"sluice-feed", "sluice-venue"})
    EXPECT_NE(libraries_of(program).find("libwebsockets"), std::string::npos)
        << program << ": the check above would not notice a network library";
}

TEST(Linkage, WhatDecidesAndPlacesOrdersCannotOpenASocket) {
  for (const char* program :
       {"sluice-strategy", "sluice-risk", "sluice-gateway", "sluice-recorder", "sluice-replay"}) {
    const std::vector<std::string> names = imports_of(program);
    for (const char* call : kSocketCalls)
      EXPECT_FALSE(imports(names, call)) << program << " imports " << call;
  }
}

// Their one socket is local: no name is ever resolved to an address.
TEST(Linkage, SupervisorAndControlToolSpeakToEachOtherOnly) {
  const std::vector<std::string> supervisor = imports_of("sluice-supervisor");
  const std::vector<std::string> ctl = imports_of("sluicectl");
  EXPECT_TRUE(imports(supervisor, "listen"));
  EXPECT_FALSE(imports(supervisor, "connect"));
  EXPECT_TRUE(imports(ctl, "connect"));
  EXPECT_FALSE(imports(ctl, "listen"));
  for (const char* call : {"getaddrinfo", "gethostbyname", "inet_pton", "inet_addr"}) {
    EXPECT_FALSE(imports(supervisor, call)) << call;
    EXPECT_FALSE(imports(ctl, call)) << call;
  }
}

}  // namespace
}  // namespace sluice::e2e
