#include "core/otp/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/otp/private_file.h"

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using Result = std::expected<void, std::string>;

std::unexpected<std::string> failed(const fs::path& file, const std::string& what) {
  return std::unexpected(file.string() + ": " + what + ": " + std::strerror(errno));
}

class File {
 public:
  explicit File(const fs::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

Result write(const fs::path& file, const KeyRing& ring, const std::optional<struct stat>& former = {}) {
  // A ring is an array of arrays: one piece of memory.
  return replace_file(file, {reinterpret_cast<const char*>(ring.data()), ring.size() * kKeyBytes}, former);
}

using Read = std::pair<KeyRing, struct stat>;
std::expected<Read, std::string> read(const fs::path& file) {
  const File opened(file);
  if (opened.fd() < 0 && errno == ENOENT)
    return std::unexpected(file.string() +
                           ": there is no key file; a first start makes one, later it has to be put back");
  if (opened.fd() < 0) return failed(file, "can't read the key file");
  struct stat status {};
  if (::fstat(opened.fd(), &status) != 0) return failed(file, "can't read the key file");
  const auto size = static_cast<std::size_t>(status.st_size);
  KeyRing ring(size / kKeyBytes);
  if (size % kKeyBytes != 0 || ring.empty() || ring.size() > kKeysMax ||
      ::read(opened.fd(), ring.data(), size) != status.st_size) {
    return std::unexpected(file.string() + ": the key file must hold exactly 32 bytes, or " +
                           "as many for each of up to 4 keys");
  }
  const mode_t too_open = status.st_uid == ::geteuid() ? 077 : 037;
  if ((status.st_mode & too_open) != 0) {
    return std::unexpected(file.string() + ": the key file can be read by others; run: chmod 600 " +
                           file.string());
  }
  return Read{std::move(ring), status};
}

}  // namespace

Key fresh_key() {
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

std::expected<KeyRing, std::string> read_key_file(const fs::path& file) {
  auto found = read(file);
  if (!found) return std::unexpected(std::move(found.error()));
  return std::move(found->first);
}

std::expected<KeyRing, std::string> read_or_make_key_file(const fs::path& file, bool create) {
  std::error_code error;
  if (fs::exists(file, error) || error) return read_key_file(file);
  if (!create) {
    return std::unexpected(
        file.string() +
        ": the key file is missing although the database exists; put the key back (from a backup), "
        "or remove the database to start anew");
  }
  KeyRing ring{fresh_key()};
  if (const auto written = write(file, ring); !written) return std::unexpected(written.error());
  return ring;
}

Result replace_key_file(const fs::path& file, const KeyRing& ring) {
  const auto former = read(file);
  if (!former) return std::unexpected(former.error());
  return write(file, ring, former->second);
}

}  // namespace otpgw::otp
