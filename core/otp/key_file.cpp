#include "core/otp/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <utility>

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using Result = std::expected<void, std::string>;

std::unexpected<std::string> failed(const fs::path& file, const std::string& what) {
  return std::unexpected(file.string() + ": " + what + ": " + std::strerror(errno));
}

class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

Key fresh_key() {
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

// Written beside and renamed: a crash in between leaves the former file whole. `former`: whose file it stays.
Result write(const fs::path& file, const KeyRing& ring, const std::optional<struct stat>& former) {
  const auto draft = file.string() + ".new";
  {
    const File made(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (made.fd() < 0) return failed(file, "can't create the key file");
    const auto size = static_cast<ssize_t>(ring.size() * kKeyBytes);
    // A ring is an array of arrays: one piece of memory.
    const bool owned = !former || (::fchown(made.fd(), former->st_uid, former->st_gid) == 0 &&
                                   ::fchmod(made.fd(), former->st_mode & 07777) == 0);
    if (!owned || ::write(made.fd(), ring.data(), ring.size() * kKeyBytes) != size || ::fsync(made.fd()) != 0)
      return failed(file, "can't write the key file");
  }
  const auto parent = fs::absolute(file).parent_path();
  const File folder(parent, O_RDONLY | O_DIRECTORY);
  if (::rename(draft.c_str(), file.c_str()) != 0 || folder.fd() < 0 || ::fsync(folder.fd()) != 0)
    return failed(file, "can't write the key file");
  return {};
}

using Read = std::pair<KeyRing, struct stat>;
std::expected<Read, std::string> read(const fs::path& file) {
  const File opened(file, O_RDONLY);
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

// How long it may still take until all codes that former keys sealed are gone; 0: they are. The file was
// last written when its newest key became that.
std::chrono::seconds left_of(const struct stat& status, std::chrono::seconds code_life_max) {
  const std::chrono::seconds age{std::time(nullptr) - status.st_mtime};
  return std::max(code_life_max - age, std::chrono::seconds{0});
}

std::unexpected<std::string> too_early(const fs::path& file, std::chrono::seconds left) {
  return std::unexpected(file.string() + ": codes that were sealed with a former key may still live; wait " +
                         std::to_string(left.count()) + " seconds");
}

}  // namespace

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
  if (const auto written = write(file, ring, {}); !written) return std::unexpected(written.error());
  return ring;
}

Result rotate_key_file(const fs::path& file, std::chrono::seconds code_life_max) {
  auto found = read(file);
  if (!found) return std::unexpected(found.error());
  auto& [ring, status] = *found;
  const auto left = left_of(status, code_life_max);
  if (left.count() == 0) ring.resize(1);
  if (ring.size() == kKeysMax) return too_early(file, left);
  ring.insert(ring.begin(), fresh_key());
  return write(file, ring, status);
}

Result drop_old_keys(const fs::path& file, std::chrono::seconds code_life_max) {
  auto found = read(file);
  if (!found) return std::unexpected(found.error());
  auto& [ring, status] = *found;
  if (ring.size() == 1) return {};
  if (const auto left = left_of(status, code_life_max); left.count() > 0) return too_early(file, left);
  ring.resize(1);
  return write(file, ring, status);
}

}  // namespace otpgw::otp
