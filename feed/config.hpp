// The [feed] section: where the bytes come from and how much of them is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/pipeline.hpp"

namespace sluice {

struct FeedConfig {
  std::string url;       // ws://host:port or wss://host:port, without a path
  std::string rest_url;  // http://host:port or https://host:port, without a path
  bool trade = false;
  bool book_ticker = false;
  bool depth = false;      // depth@100ms
  Duration stale{};        // host time without a message after which the feed says so itself
  Duration silence_max{};  // without a message: the connection is cut and made again; 0 = never
  Duration reconnect_min{};
  Duration reconnect_max{};
  std::size_t max_message_bytes = 0;
  std::uint32_t book_levels = 0;     // per side, of the local book and of the snapshot asked for
  std::vector<std::string> symbols;  // venue's spelling, by InstrumentIndex
  std::uint16_t source = 0;          // index of this connection in its ticks
};

// Faults are collected in the document of `feed`.
[[nodiscard]] FeedConfig parse_feed(const config::Table& feed, const PipelineConfig& pipeline);

// The combined stream of all instruments: connecting to it is subscribing.
[[nodiscard]] std::string stream_url(const FeedConfig& config);
[[nodiscard]] std::string snapshot_url(const FeedConfig& config, InstrumentIndex instrument);
// Largest answer that a snapshot request can have.
[[nodiscard]] std::size_t snapshot_bytes(const FeedConfig& config) noexcept;

}  // namespace sluice
