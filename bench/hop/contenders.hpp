// What carries a record from one process to another, all in one shape:
//
//   kName, kSystemCalls (every record costs some: fewer are sent), kThreads (it cannot live in a
//   shared mapping: its two ends are threads on the same two CPUs)
//   bytes(capacity)                what it needs of a zeroed shared mapping
//   Sender(Place), try_send        false: full
//   Receiver(Place), try_receive   false: empty
//   try_send_many, try_receive_many   of those that can: up to so many by one call
//
// Each is used as its documentation says. `classic` and `private` are the two designs that most
// published rings are made of, written here in their plain form:
//   classic  one index each, and a copy of the other's index that is read again when it says full
//            or empty (the cached-index ring; P. Torquati, TR-10-20; rigtorp/SPSCQueue)
//   private  the same, and each end keeps its own index in private memory and only publishes it
//            (C. Frasch's Fifo5)
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <readerwriterqueue/readerwriterqueue.h>
#include <algorithm>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/ring.hpp"

namespace sluice::bench {

// Where the two ends of one direction meet.
struct Place {
  void* memory = nullptr;
  std::uint64_t capacity = 0;
  int read_end = -1;  // of contenders made of descriptors
  int write_end = -1;
  std::shared_ptr<void> object = {};  // of contenders that live in one process
};

// ---- ours

struct Sluice {
  static constexpr const char* kName = "sluice";
  static constexpr bool kSystemCalls = false;
  static constexpr bool kThreads = false;
  static std::size_t bytes(std::uint64_t capacity) { return RingMemory::bytes(capacity); }
  static void make(Place& place) {
    static_cast<RingMemory*>(place.memory)->header.capacity = place.capacity;
  }
  class Sender {
   public:
    explicit Sender(const Place& place) : end_(*static_cast<RingMemory*>(place.memory), 0) {}
    bool try_send(const Payload& record) noexcept { return end_.try_push(record); }
    std::size_t try_send_many(const Payload* records, std::size_t count) noexcept {
      const std::size_t room = std::min<std::size_t>(count, end_.credit(count));
      for (std::size_t i = 0; i < room; ++i) end_.push(records[i]);
      return room;
    }

   private:
    Producer end_;
  };
  class Receiver {
   public:
    explicit Receiver(const Place& place) : end_(*static_cast<RingMemory*>(place.memory), 0) {}
    bool try_receive(Payload& record) noexcept {
      if (end_.poll(record) != Poll::Record) return false;
      end_.publish_head_if_due();
      return true;
    }
    std::size_t try_receive_many(Payload* records, std::size_t most) noexcept {
      std::size_t got = 0;
      while (got < most && end_.poll(records[got]) == Poll::Record) ++got;
      end_.publish_head_if_due();
      return got;
    }

   private:
    Consumer end_;
  };
};

// The same with a tap that reads along. It is read where the receiver waits, because on two CPUs a
// process of its own would take one of them away: so it shows what a reader asks of the ring and of
// its sender, not a third cache.
struct Tapped : Sluice {
  static constexpr const char* kName = "sluice+tap";
  class Receiver : public Sluice::Receiver {
   public:
    explicit Receiver(const Place& place)
        : Sluice::Receiver(place), tap_(*static_cast<const RingMemory*>(place.memory), 0) {}
    bool try_receive(Payload& record) noexcept {
      if (Sluice::Receiver::try_receive(record)) return true;
      if (tap_.read(record).poll == Poll::Record) ++seen_;
      return false;
    }
    [[nodiscard]] std::uint64_t seen_by_tap() const noexcept { return seen_; }

   private:
    RingTap tap_;
    std::uint64_t seen_ = 0;
  };
};

// ---- two plain rings with indices

struct IndexRing {
  alignas(kLinePair) std::atomic<std::uint64_t> tail;  // writer: sender
  alignas(kLinePair) std::atomic<std::uint64_t> head;  // writer: receiver
  struct alignas(kCacheLine) Line {
    Payload record;
  };
  [[nodiscard]] Line* lines() noexcept { return reinterpret_cast<Line*>(this + 1); }
};

template <bool Private>
struct Indexed {
  static constexpr const char* kName = Private ? "private" : "classic";
  static constexpr bool kSystemCalls = false;
  static constexpr bool kThreads = false;
  static std::size_t bytes(std::uint64_t capacity) {
    return sizeof(IndexRing) + capacity * sizeof(IndexRing::Line);
  }
  static void make(Place&) {}

  class End {
   protected:
    explicit End(const Place& place)
        : ring_(static_cast<IndexRing*>(place.memory)),
          lines_(ring_->lines()),
          capacity_(place.capacity) {}
    // Where this end stands: what it has published, or its own copy of that.
    [[nodiscard]] std::uint64_t mine(const std::atomic<std::uint64_t>& index) const noexcept {
      return Private ? next_ : index.load(std::memory_order_relaxed);
    }

    IndexRing* ring_;
    IndexRing::Line* lines_;
    std::uint64_t capacity_;
    std::uint64_t next_ = 0;
    std::uint64_t other_ = 0;  // the other end's index, as it was read last
  };
  class Sender : End {
   public:
    explicit Sender(const Place& place) : End(place) {}
    bool try_send(const Payload& record) noexcept {
      const std::uint64_t at = this->mine(this->ring_->tail);
      if (at - this->other_ == this->capacity_) {
        this->other_ = this->ring_->head.load(std::memory_order_acquire);
        if (at - this->other_ == this->capacity_) return false;
      }
      this->lines_[at & (this->capacity_ - 1)].record = record;
      this->next_ = at + 1;
      this->ring_->tail.store(at + 1, std::memory_order_release);
      return true;
    }
  };
  class Receiver : End {
   public:
    explicit Receiver(const Place& place) : End(place) {}
    bool try_receive(Payload& record) noexcept {
      const std::uint64_t at = this->mine(this->ring_->head);
      if (at == this->other_) {
        this->other_ = this->ring_->tail.load(std::memory_order_acquire);
        if (at == this->other_) return false;
      }
      record = this->lines_[at & (this->capacity_ - 1)].record;
      this->next_ = at + 1;
      this->ring_->head.store(at + 1, std::memory_order_release);
      return true;
    }
  };
};
using Classic = Indexed<false>;
using PrivateCursor = Indexed<true>;

// ---- libraries

inline constexpr std::uint64_t kCapacity = 4096;  // of every ring here; boost's is fixed when built

struct Boost {
  static constexpr const char* kName = "boost";
  static constexpr bool kSystemCalls = false;
  static constexpr bool kThreads = false;
  using Queue =
      boost::lockfree::spsc_queue<Payload, boost::lockfree::capacity<std::size_t{kCapacity}>>;
  static std::size_t bytes(std::uint64_t) { return sizeof(Queue); }
  static void make(Place& place) { ::new (place.memory) Queue; }
  class Sender {
   public:
    explicit Sender(const Place& place) : queue_(static_cast<Queue*>(place.memory)) {}
    bool try_send(const Payload& record) noexcept { return queue_->push(record); }
    std::size_t try_send_many(const Payload* records, std::size_t count) noexcept {
      return queue_->push(records, count);
    }

   private:
    Queue* queue_;
  };
  class Receiver {
   public:
    explicit Receiver(const Place& place) : queue_(static_cast<Queue*>(place.memory)) {}
    bool try_receive(Payload& record) noexcept { return queue_->pop(record); }
    std::size_t try_receive_many(Payload* records, std::size_t most) noexcept {
      return queue_->pop(records, most);
    }

   private:
    Queue* queue_;
  };
};

struct Moodycamel {
  static constexpr const char* kName = "moodycamel";
  static constexpr bool kSystemCalls = false;
  static constexpr bool kThreads = true;  // its blocks come from malloc
  using Queue = moodycamel::ReaderWriterQueue<Payload>;
  static std::size_t bytes(std::uint64_t) { return 0; }
  static void make(Place& place) { place.object = std::make_shared<Queue>(place.capacity); }
  class Sender {
   public:
    explicit Sender(const Place& place) : queue_(static_cast<Queue*>(place.object.get())) {}
    bool try_send(const Payload& record) noexcept { return queue_->try_enqueue(record); }

   private:
    Queue* queue_;
  };
  class Receiver {
   public:
    explicit Receiver(const Place& place) : queue_(static_cast<Queue*>(place.object.get())) {}
    bool try_receive(Payload& record) noexcept { return queue_->try_dequeue(record); }

   private:
    Queue* queue_;
  };
};

// ---- the kernel

inline void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

struct Descriptors {
  static constexpr bool kSystemCalls = true;
  static constexpr bool kThreads = false;
  static std::size_t bytes(std::uint64_t) { return 0; }
  class Sender {
   public:
    explicit Sender(const Place& place) : fd_(place.write_end) {}
    bool try_send(const Payload& record) noexcept {
      return ::write(fd_, &record, sizeof record) == static_cast<ssize_t>(sizeof record);
    }

   private:
    int fd_;
  };
  class Receiver {
   public:
    explicit Receiver(const Place& place) : fd_(place.read_end) {}
    bool try_receive(Payload& record) noexcept {
      return ::read(fd_, &record, sizeof record) == static_cast<ssize_t>(sizeof record);
    }

   private:
    int fd_;
  };
};

struct Pipe : Descriptors {
  static constexpr const char* kName = "pipe";
  static void make(Place& place) {
    int ends[2];
    must(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
    place.read_end = ends[0];
    place.write_end = ends[1];
  }
};

struct UnixSocket : Descriptors {
  static constexpr const char* kName = "unix_socket";
  static void make(Place& place) {
    int ends[2];
    must(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
         "socketpair");
    place.read_end = ends[0];
    place.write_end = ends[1];
  }
};

struct MessageQueue {
  static constexpr const char* kName = "posix_mq";
  static constexpr bool kSystemCalls = true;
  static constexpr bool kThreads = false;
  static std::size_t bytes(std::uint64_t) { return 0; }
  static void make(Place& place) {
    static int made = 0;
    const std::string name =
        "/sluice-bench." + std::to_string(::getpid()) + "." + std::to_string(made++);
    mq_attr shape{};
    shape.mq_maxmsg = 10;  // what a user may have
    shape.mq_msgsize = sizeof(Payload);
    place.read_end = place.write_end =
        ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC, 0600, &shape);
    must(place.read_end >= 0, "mq_open");
    ::mq_unlink(name.c_str());
  }
  class Sender {
   public:
    explicit Sender(const Place& place) : queue_(place.write_end) {}
    bool try_send(const Payload& record) noexcept {
      return ::mq_send(queue_, reinterpret_cast<const char*>(&record), sizeof record, 0) == 0;
    }

   private:
    mqd_t queue_;
  };
  class Receiver {
   public:
    explicit Receiver(const Place& place) : queue_(place.read_end) {}
    bool try_receive(Payload& record) noexcept {
      return ::mq_receive(queue_, reinterpret_cast<char*>(&record), sizeof record, nullptr) ==
             static_cast<ssize_t>(sizeof record);
    }

   private:
    mqd_t queue_;
  };
};

}  // namespace sluice::bench
