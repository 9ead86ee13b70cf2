#include "cornu/formats/hdf5_chunks.h"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "cornu/base/block_source.h"
#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::formats {

using base::ByteCursor;
using base::Bytes;
using base::cat;

namespace {
constexpr uint64_t kChecksumBytes = 4;

uint64_t chunks_along(const Hdf5Chunks& c, size_t axis) {
  const auto size = static_cast<uint64_t>(c.shape[static_cast<int64_t>(axis)]);
  const auto step = static_cast<uint64_t>(c.chunk_shape[static_cast<int64_t>(axis)]);
  return (size + step - 1) / step;
}
}  // namespace

uint64_t Hdf5Chunks::count() const {
  uint64_t count = 1;
  for (size_t i = 0; i < static_cast<size_t>(shape.rank()); ++i) count *= chunks_along(*this, i);
  return count;
}

uint64_t Hdf5Chunks::chunk_bytes() const {
  return static_cast<uint64_t>(chunk_shape.size()) * element_bytes;
}

std::vector<Hdf5Filter> parse_hdf5_filters(const Bytes& message) {
  constexpr const char* what = "the filters of a dataset";
  constexpr int kMost = 32;  // bits of a chunk's mask
  ByteCursor c(message);
  const uint8_t version = c.u8(what);
  if (version != 1 && version != 2) c.fail(cat("filters of version ", int{version}));
  const uint8_t count = c.u8(what);
  if (count > kMost) c.fail(cat("a dataset of ", int{count}, " filters"));
  if (version == 1) c.skip(6, what);
  std::vector<Hdf5Filter> filters;
  for (int i = 0; i < count; ++i) {
    const uint16_t id = c.u16(what);
    const uint16_t name = version == 1 || id >= 256 ? c.u16(what) : 0;
    c.skip(2, what);  // flags
    const uint16_t values = c.u16(what);
    c.skip(version == 1 ? (name + 7u) / 8 * 8 : name, what);
    const Bytes parameters = c.take(4ull * (version == 1 ? (values + 1u) / 2 * 2 : values), what);
    if (id == Hdf5Filter::kShuffle && values != 1) c.fail("a shuffle of no certain element size");
    filters.push_back({id, values > 0 ? parameters.u32(0, what) : 0});
    if (id == Hdf5Filter::kShuffle && filters.back().value == 0) c.fail("a shuffle of nothing");
  }
  return filters;
}

const char* unreadable_filter(const std::vector<Hdf5Filter>& filters) {
  int deflates = 0;
  for (const Hdf5Filter& f : filters) {
    if (f.id == Hdf5Filter::kDeflate && ++deflates > 1) return "data deflated twice";
    if (f.id == 0 || f.id > Hdf5Filter::kFletcher32)
      return "data packed by a filter other than deflate, shuffle and fletcher32";
  }
  return nullptr;
}

namespace {

// What h5py calls shuffle: byte 0 of all elements, then byte 1 of all, ...
std::vector<std::byte> unshuffled(const std::vector<std::byte>& in, uint64_t element_bytes) {
  std::vector<std::byte> out = in;  // what is left over stays at the end
  const size_t count = in.size() / element_bytes;
  for (size_t i = 0; i < count; ++i)
    for (size_t b = 0; b < element_bytes; ++b) out[i * element_bytes + b] = in[b * count + i];
  return out;
}

// Fletcher's sum of 16-bit words as HDF5 takes it: big-endian words, an odd byte as a high one.
uint32_t fletcher32(std::span<const std::byte> data) {
  uint32_t sum1 = 0, sum2 = 0;
  for (size_t i = 0; i < data.size(); i += 2) {
    const auto high = static_cast<uint32_t>(data[i]) << 8;
    sum1 += high | (i + 1 < data.size() ? static_cast<uint32_t>(data[i + 1]) : 0);
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 += sum1;
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  return sum2 << 16 | sum1;
}

class ChunkedData final : public base::BlockSource {
 public:
  ChunkedData(Bytes file, Hdf5Chunks chunks)
      : BlockSource(file.label(),
                    static_cast<uint64_t>(chunks.shape.size()) * chunks.element_bytes),
        file_(std::move(file)),
        chunks_(std::move(chunks)) {}

 private:
  // The stretch of one dimension that a chunk covers.
  struct Axis {
    uint64_t start, size;
  };

  void fill(uint64_t begin, std::span<std::byte> to) override {
    for (const Hdf5Chunk& chunk : chunks_.chunks) copy_of(chunk, begin, to);
  }

  std::vector<Axis> axes_of(const Hdf5Chunk& chunk) const {
    std::vector<Axis> axes(static_cast<size_t>(chunks_.shape.rank()));
    uint64_t place = chunk.place;
    for (size_t i = axes.size(); i-- > 0;) {
      const uint64_t along = chunks_along(chunks_, i);
      const auto step = static_cast<uint64_t>(chunks_.chunk_shape[i]);
      axes[i].start = place % along * step;
      axes[i].size = std::min(step, static_cast<uint64_t>(chunks_.shape[i]) - axes[i].start);
      place /= along;
    }
    return axes;
  }

  // Where an element lies in the dataset, in bytes; `index` counts within the chunk.
  uint64_t offset(const std::vector<Axis>& axes, const std::vector<uint64_t>& index) const {
    uint64_t at = 0;
    for (size_t i = 0; i < axes.size(); ++i)
      at = at * static_cast<uint64_t>(chunks_.shape[i]) + axes[i].start + index[i];
    return at * chunks_.element_bytes;
  }

  // The part of the chunk that falls into [begin, begin + to.size()), row by row.
  void copy_of(const Hdf5Chunk& chunk, uint64_t begin, std::span<std::byte> to) const {
    const std::vector<Axis> axes = axes_of(chunk);
    std::vector<uint64_t> index(axes.size(), 0), last;
    for (const Axis& axis : axes) last.push_back(axis.size - 1);
    if (offset(axes, last) + chunks_.element_bytes <= begin ||
        offset(axes, index) >= begin + to.size())
      return;
    const std::vector<std::byte> data = unpacked(chunk);
    const uint64_t row = axes.back().size * chunks_.element_bytes;
    for (bool more = true; more;) {
      uint64_t from = 0;
      for (size_t i = 0; i < axes.size(); ++i)
        from = from * static_cast<uint64_t>(chunks_.chunk_shape[i]) + index[i];
      from *= chunks_.element_bytes;
      const uint64_t at = offset(axes, index);
      const uint64_t first = std::max(at, begin), end = std::min(at + row, begin + to.size());
      if (first < end) std::memcpy(&to[first - begin], &data[from + first - at], end - first);
      more = false;
      for (size_t i = axes.size() - 1; i-- > 0 && !more;) {  // the next row
        more = ++index[i] < axes[i].size;
        if (!more) index[i] = 0;
      }
    }
  }

  std::vector<std::byte> unpacked(const Hdf5Chunk& chunk) const {
    const Bytes stored = file_.at(chunk.address, chunk.size, "a chunk of data");
    const auto span = stored.span();
    std::vector<std::byte> data(span.begin(), span.end());
    stored.release();
    for (size_t i = chunks_.filters.size(); i-- > 0;)
      if (!(chunk.skipped >> i & 1)) undo(i, chunk, stored, &data);
    if (data.size() != chunks_.chunk_bytes())
      stored.fail(
          cat("a chunk unpacks to ", data.size(), " bytes, not to ", chunks_.chunk_bytes()));
    return data;
  }

  void undo(size_t filter, const Hdf5Chunk& chunk, const Bytes& stored,
            std::vector<std::byte>* data) const {
    switch (chunks_.filters[filter].id) {
      case Hdf5Filter::kDeflate:
        *data = inflated(stored, *data, bytes_before(filter, chunk));
        return;
      case Hdf5Filter::kShuffle:
        *data = unshuffled(*data, chunks_.filters[filter].value);
        return;
      default: {  // fletcher32
        if (data->size() < kChecksumBytes) stored.fail("a chunk is shorter than its checksum");
        const size_t size = data->size() - kChecksumBytes;
        uint32_t expected = 0;
        for (size_t b = kChecksumBytes; b-- > 0;)
          expected = expected << 8 | static_cast<uint32_t>((*data)[size + b]);
        data->resize(size);
        if (fletcher32(*data) != expected) stored.fail("a chunk's checksum is wrong");
      }
    }
  }

  // What filter i was given when the chunk was written.
  uint64_t bytes_before(size_t filter, const Hdf5Chunk& chunk) const {
    uint64_t bytes = chunks_.chunk_bytes();
    for (size_t i = 0; i < filter; ++i)
      if (chunks_.filters[i].id == Hdf5Filter::kFletcher32 && !(chunk.skipped >> i & 1))
        bytes += kChecksumBytes;
    return bytes;
  }

  static std::vector<std::byte> inflated(const Bytes& stored, const std::vector<std::byte>& packed,
                                         uint64_t size) {
    std::vector<std::byte> out(size);
    uLongf written = size;
    const int state = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &written,
                                   reinterpret_cast<const Bytef*>(packed.data()), packed.size());
    if (state == Z_MEM_ERROR) throw OutOfMemory("cannot unpack");
    if (state != Z_OK || written != size)
      stored.fail(cat("a chunk does not unpack to ", size, " bytes: it is damaged"));
    return out;
  }

  const Bytes file_;
  const Hdf5Chunks chunks_;
};

}  // namespace

Bytes chunked_data(Bytes file, Hdf5Chunks chunks) {
  return Bytes(std::make_shared<ChunkedData>(std::move(file), std::move(chunks)));
}

}  // namespace cornu::formats
