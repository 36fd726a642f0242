#include "core/otp/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace otpgw::otp {
namespace {

// The group matters where it reads the file; elsewhere it may be one that we are not in.
bool give_to(int fd, const struct stat& former) {
  return ::fchown(fd, former.st_uid, static_cast<gid_t>(-1)) == 0 &&
         (::fchown(fd, static_cast<uid_t>(-1), former.st_gid) == 0 || (former.st_mode & 070) == 0) &&
         ::fchmod(fd, former.st_mode & 07777) == 0;
}

bool write_draft(const std::string& draft, std::string_view bytes, const std::optional<struct stat>& former) {
  ::unlink(draft.c_str());  // of a run that ended in between
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = (!former || give_to(fd, *former)) &&
                       ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
                       ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

bool sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return synced;
}

}  // namespace

std::expected<void, std::string> replace_file(const std::filesystem::path& file, std::string_view bytes,
                                              const std::optional<struct stat>& former) {
  const auto draft = file.string() + ".new";
  if (!write_draft(draft, bytes, former) || ::rename(draft.c_str(), file.c_str()) != 0 ||
      !sync_folder(std::filesystem::absolute(file).parent_path()))
    return std::unexpected(file.string() + ": can't write it: " + std::strerror(errno));
  return {};
}

}  // namespace otpgw::otp
