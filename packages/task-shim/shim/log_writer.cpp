#include "log_writer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "records.h"

namespace {

constexpr int64_t kFirstSegmentBytes = 1 << 20;
constexpr int64_t kSmallestSegmentBytes = 64 << 10;
constexpr int64_t kNoteEveryMs = 1000;

}  // namespace

LogWriter::LogWriter(const std::string &directory, int64_t limit_bytes)
    : directory_(directory), limit_(limit_bytes) {}

LogWriter::~LogWriter() {
  close(output_);
  close(index_);
}

void LogWriter::append(char stream, const char *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    if ((output_ < 0 || room() == 0) && !open_segment()) break;
    if (!note_stream(stream)) break;
    const size_t part = std::min<size_t>(size - done, static_cast<size_t>(room()));
    const ssize_t written = write(output_, data + done, part);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<size_t>(written);
    offset_ += written;
    segments_.back().size += written;
  }
  dropped_ += static_cast<int64_t>(size - done);
  drop_old_segments();
}

int64_t LogWriter::room() const {
  const int64_t capacity = segments_.size() == 1 && segments_.front().offset == 0
                               ? std::min(kFirstSegmentBytes, limit_ / 2)
                               : std::max(kSmallestSegmentBytes, limit_ / 8);
  return capacity - segments_.back().size;
}

bool LogWriter::open_segment() {
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const int output = open(path("output", offset_).c_str(), flags, 0600);
  const int index = open(path("index", offset_).c_str(), flags, 0600);
  if (output < 0 || index < 0) {
    close(output);
    close(index);
    return false;
  }
  close(output_);
  close(index_);
  output_ = output;
  index_ = index;
  stream_ = 0;
  if (segments_.empty() || segments_.back().offset != offset_) segments_.push_back({offset_, 0});
  return true;
}

bool LogWriter::note_stream(char stream) {
  const int64_t now = now_ms();
  if (stream == stream_ && now - noted_at_ < kNoteEveryMs) return true;
  const std::string line = std::to_string(offset_) + ' ' + stream + ' ' + std::to_string(now) + '\n';
  const off_t before = lseek(index_, 0, SEEK_END);
  if (write(index_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    // Half a line would spoil the next one, once the disk has room again.
    [[maybe_unused]] const int cut = ftruncate(index_, before);
    return false;
  }
  stream_ = stream;
  noted_at_ = now;
  return true;
}

void LogWriter::drop_old_segments() {
  int64_t total = 0;
  for (const Segment &segment : segments_) total += segment.size;
  // The first stays for ever, the last is being written.
  while (total > limit_ && segments_.size() > 2) {
    const Segment oldest = segments_[1];
    unlink(path("output", oldest.offset).c_str());
    unlink(path("index", oldest.offset).c_str());
    total -= oldest.size;
    segments_.erase(segments_.begin() + 1);
  }
}

std::string LogWriter::path(const char *kind, int64_t offset) const {
  return directory_ + "/" + kind + "." + std::to_string(offset);
}
