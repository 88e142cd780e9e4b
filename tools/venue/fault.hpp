// Misbehaviour on purpose, so that a feed's handling of it can be exercised: KIND:@MSG[:N].
//
// It happens to the first connection that has received MSG messages of the tape, once per run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::venue {

enum class FaultKind : std::uint8_t {
  CloseMidMessage = 1,  // half of the next message as an unfinished fragment, then TCP close
  MalformedJson = 2,    // an extra message that is cut off; nothing of the tape is lost
  InvalidUtf8 = 3,      // an extra message that is not UTF-8
  Oversize = 4,         // an extra message of N bytes, 2 MiB by default
  Mute = 5,             // nothing of the tape any more; the connection stays and answers pings
  Drop = 6,             // TCP close without a close frame
  Gap = 7               // the next N depth messages are left out, 1 by default
};

struct Fault {
  FaultKind kind = FaultKind::Drop;
  std::uint64_t after = 0;  // messages of the tape received before it
  std::uint64_t n = 0;
  bool fired = false;
};

// Throws Error (Exit::Usage).
Fault parse_fault(std::string_view text);

// The extra message of MalformedJson, InvalidUtf8 and Oversize.
std::string injected_message(const Fault& fault);

}  // namespace sluice::venue
