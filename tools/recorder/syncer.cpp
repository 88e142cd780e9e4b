#include "tools/recorder/syncer.hpp"

#include <unistd.h>

#include "core/clock.hpp"

namespace sluice {

Syncer::Syncer(Statistics& statistics, std::size_t synced, std::size_t failed, std::size_t duration)
    : statistics_(statistics),
      synced_(synced),
      failed_counter_(failed),
      duration_(duration),
      thread_([this] { work(); }) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Syncer::idle() {
  const std::lock_guard lock(mutex_);
  return !busy_;
}

bool Syncer::failed() {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void Syncer::start(std::vector<int> descriptors) {
  {
    const std::lock_guard lock(mutex_);
    batch_ = std::move(descriptors);
    busy_ = true;
  }
  changed_.notify_all();
}

void Syncer::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
}

void Syncer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return busy_ || stop_; });
    if (!busy_) return;
    const std::vector<int> batch = std::move(batch_);
    batch_.clear();
    lock.unlock();
    bool trouble = false;
    for (const int fd : batch) {
      const std::uint64_t start = boottime_ns();
      const bool ok = ::fdatasync(fd) == 0;
      trouble = trouble || !ok;
      ::close(fd);
      statistics_.add(ok ? synced_ : failed_counter_, 1);
      statistics_.histograms[duration_].record(static_cast<std::int64_t>(boottime_ns() - start));
    }
    lock.lock();
    failed_ = failed_ || trouble;
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace sluice
