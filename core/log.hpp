// The log of a process. Hot threads hand fixed-size records to a queue; a writer thread off the hot
// core turns them into lines "HH:MM:SS.mmm process level text" (local time).
//
// Writers: one Producer per hot thread. Reader: the writer thread. A write copies 64 bytes: it
// makes no system call, takes no lock, allocates nothing and never waits; if the queue is full the
// record is dropped, and the number of drops is logged. The writer polls, so that nobody has to
// wake it.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "core/types.hpp"

namespace sluice {

enum class Level : std::uint8_t { Debug = 1, Info = 2, Warning = 3, Error = 4 };
constexpr std::string_view name_of(Level level) noexcept {
  switch (level) {
    case Level::Debug: return "DEBUG";
    case Level::Info: return "INFO";
    case Level::Warning: return "WARNING";
    case Level::Error: return "ERROR";
  }
  return "?";
}

namespace detail {

enum class ArgumentKind : std::uint8_t { Signed = 0, Unsigned = 1, Amount = 2, Name = 3 };

template <class E>
concept Named = std::is_enum_v<E> && requires(E e) {
  { name_of(e) }
  noexcept->std::same_as<std::string_view>;
};
template <class T>
concept AmountType = requires(T t) {
  []<class Tag>(Amount<Tag>) {}(t);
};

// What may stand for a {}: an integer, an Amount (printed as a decimal), an enumerator that has a
// name.
template <class T>
concept Loggable = std::integral<T> || AmountType<T> || Named<T>;

struct LogRecord {
  std::uint64_t ticks;  // time-stamp counter; the writer turns it into wall time
  const char* text;     // a literal: lives as long as the program
  std::array<std::uint64_t, 5> value;
  std::uint16_t length;
  std::uint16_t kinds;  // two bits of ArgumentKind per value
  Level level;
  std::uint8_t count;
  std::uint8_t producer;
  std::uint8_t reserved;
};
static_assert(sizeof(LogRecord) == 64 && std::is_trivially_copyable_v<LogRecord>);

// A name is a view of static text, so 56 bits of address and 8 of length hold it.
constexpr int kNameShift = 8;

template <Loggable T>
std::uint64_t pack(T value) noexcept {
  if constexpr (Named<T>) {
    const std::string_view name = name_of(value);
    return reinterpret_cast<std::uint64_t>(name.data()) << kNameShift | (name.size() & 0xff);
  } else if constexpr (AmountType<T>) {
    return static_cast<std::uint64_t>(value.raw);
  } else {
    return static_cast<std::uint64_t>(value);
  }
}
template <Loggable T>
constexpr ArgumentKind kind_of() noexcept {
  if (Named<T>) return ArgumentKind::Name;
  if (AmountType<T>) return ArgumentKind::Amount;
  return std::is_signed_v<T> ? ArgumentKind::Signed : ArgumentKind::Unsigned;
}

// A string literal with as many {} as there are arguments; anything else does not compile.
template <class... Args>
class LogText {
 public:
  template <std::size_t N>
  consteval LogText(const char (&text)[N])
      : text_(text), length_(N - 1) {  // NOLINT: implicit on purpose
    static_assert(N <= 512, "a log text is short");
    std::size_t places = 0;
    for (std::size_t i = 0; i + 1 < N; ++i) {
      if (text[i] == '}') throw "a } without {";
      if (text[i] != '{') continue;
      if (text[++i] != '}') throw "only {} is understood";
      ++places;
    }
    if (places != sizeof...(Args)) throw "the number of {} differs from the number of arguments";
  }
  [[nodiscard]] const char* data() const noexcept { return text_; }
  [[nodiscard]] std::uint16_t length() const noexcept { return length_; }

 private:
  const char* text_;
  std::uint16_t length_;
};

}  // namespace detail

class Log {
 public:
  static constexpr std::size_t kMaxProducers = 16;
  static constexpr std::size_t kMinCapacity = 64;
  static constexpr std::size_t kMaxCapacity = 16'384;

  // Belongs to one thread and must not outlive the Log. A default one writes nothing.
  class Producer {
   public:
    Producer() = default;

    template <detail::Loggable... Args>
      requires(sizeof...(Args) <= 5)
    void write(Level level, detail::LogText<std::type_identity_t<Args>...> text,
               Args... args) noexcept {
      if (!channel_) return;
      detail::LogRecord record{};
      record.text = text.data();
      record.length = text.length();
      record.level = level;
      record.count = sizeof...(Args);
      std::size_t i = 0;
      ((record.value[i] = detail::pack(args),
        record.kinds |=
        static_cast<std::uint16_t>(static_cast<unsigned>(detail::kind_of<Args>()) << (2 * i)),
        ++i),
       ...);
      push(record);
    }

   private:
    friend class Log;
    struct Channel;
    explicit Producer(Channel* channel) noexcept : channel_(channel) {}
    void push(detail::LogRecord& record) noexcept;

    Channel* channel_ = nullptr;
  };

  // Starts the writer. `fd` stays the caller's. At least `capacity` records of each producer always
  // fit. The writer may use the CPUs that this thread may use now: make the Log before pinning.
  Log(std::string_view process, int fd, std::size_t capacity = 1024, std::size_t producers = 4);
  ~Log();  // flushes for at most one second
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Setup: allocates. Throws Error beyond the number of producers the Log was made for.
  Producer producer();

  // Cold: writes one line at once, from any thread; waits at most two seconds for the file.
  void say(Level level, std::string_view text);

  // Waits until everything written before this call is in the file; false if `deadline` passes
  // first.
  bool flush(Duration deadline);

  // Keeps the writer off this CPU, if another one is allowed.
  void keep_off(int cpu) noexcept;

  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct Writer;
  std::unique_ptr<Writer> writer_;
};

// One line on this file descriptor, for setup before there is a Log.
void say(int fd, std::string_view process, Level level, std::string_view text);

}  // namespace sluice
