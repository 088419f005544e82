#pragma once

#include <cstdint>
#include <deque>
#include <string>

/**
 * A task's log: both streams in one sequence of bytes, in the order in which they came.
 *
 * Segments `output.<offset>` carry the offset of their first byte in their name, and offsets never restart. The first
 * segment (up to 1 MiB) and the newest ones are kept within the limit. Beside each lies `index.<offset>`, with lines
 * `<offset> <o|e> <ms since the epoch>`: from this byte on it is stdout's or stderr's, and came then. A line is written
 * before the bytes that it speaks of, so a reader never meets bytes of an unknown stream.
 *
 * Its files, in the task's folder, come with the first byte.
 *
 * Writing never blocks the task for longer than a write takes and never fails it: what can't be written is dropped
 * and counted.
 */
class LogWriter {
 public:
  LogWriter(const std::string &directory, int64_t limit_bytes);
  ~LogWriter();
  LogWriter(const LogWriter &) = delete;
  LogWriter &operator=(const LogWriter &) = delete;

  /** @param stream 'o' or 'e' */
  void append(char stream, const char *data, size_t size);

  int64_t bytes() const { return offset_; }
  int64_t dropped_bytes() const { return dropped_; }

 private:
  struct Segment {
    int64_t offset;
    int64_t size;
  };

  bool open_segment();
  bool note_stream(char stream);
  void drop_old_segments();
  int64_t room() const;
  std::string path(const char *kind, int64_t offset) const;

  const std::string directory_;
  const int64_t limit_;
  std::deque<Segment> segments_;
  int output_ = -1;
  int index_ = -1;
  int64_t offset_ = 0;
  int64_t dropped_ = 0;
  char stream_ = 0;
  int64_t noted_at_ = 0;
};
