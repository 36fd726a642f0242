#include "core/http/params.h"

#include <Poco/Exception.h>
#include <Poco/Net/MediaType.h>
#include <Poco/Net/MessageHeader.h>
#include <Poco/Net/MultipartReader.h>
#include <Poco/StreamCopier.h>
#include <Poco/String.h>

#include <algorithm>
#include <sstream>

#include "core/http/json_text.h"

namespace otpgw::http {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;
using Error = std::optional<std::string>;  // a sentence

constexpr std::size_t kParamsMax = 64;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// How a sentence names a parameter. What no parameter of ours could be called is not repeated: a name can
// hold anything, and fill the whole body.
std::string shown(const std::string& name) {
  constexpr std::size_t kShownBytesMax = 64;
  const bool plain =
      name.size() <= kShownBytesMax && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
  return plain ? "`" + name + "`" : "`...`";
}

Error add_urlencoded(std::string_view text, Items& items) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return "A parameter's percent-encoding is malformed.";
    items.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

Error add_json(std::string_view body, Items& items) {
  const auto members = json_members(body);
  if (!members) return "The body is not a JSON object.";
  for (const auto& [name, value] : *members) {
    if (name == "extra") {
      items.emplace_back(name, value);
    } else if (value.front() == '"') {
      auto text = json_string(value);
      if (!text) return shown(name) + " is not a well-formed JSON string.";
      items.emplace_back(name, std::move(*text));
    } else if (value.front() == '{' || value.front() == '[') {
      return "Invalid " + shown(name) + " value. It must be a string, a number or a boolean.";
    } else if (value != "null") {
      items.emplace_back(name, value);
    }
  }
  return {};
}

Error add_multipart(std::string_view body, const std::string& boundary, Items& items) {
  const Error malformed = "The multipart body is malformed.";
  if (boundary.empty()) return malformed;
  try {
    std::istringstream stream{std::string(body)};
    Poco::Net::MultipartReader reader(stream, boundary);
    while (reader.hasNextPart()) {
      Poco::Net::MessageHeader header;
      reader.nextPart(header);
      std::string disposition;
      Poco::Net::NameValueCollection attributes;
      Poco::Net::MessageHeader::splitParameters(header.get("Content-Disposition", ""), disposition,
                                                attributes);
      std::string value;
      Poco::StreamCopier::copyToString(reader.stream(), value);
      if (!attributes.has("name")) return malformed;
      items.emplace_back(attributes["name"], std::move(value));
    }
  } catch (const Poco::Exception&) {
    return malformed;
  }
  return {};
}

Error add_body(const Request& request, Items& items) {
  if (request.body.empty()) return {};
  const auto type = request.header("content-type");
  const auto media = type.substr(0, type.find_first_of("; \t"));
  if (Poco::icompare(std::string(media), "application/x-www-form-urlencoded") == 0) {
    return add_urlencoded(request.body, items);
  }
  if (Poco::icompare(std::string(media), "application/json") == 0) return add_json(request.body, items);
  if (Poco::icompare(std::string(media), "multipart/form-data") == 0) {
    const Poco::Net::MediaType parsed{std::string(type)};
    return add_multipart(request.body, parsed.hasParameter("boundary") ? parsed.getParameter("boundary") : "",
                         items);
  }
  return "The body's Content-Type must be application/x-www-form-urlencoded, multipart/form-data or "
         "application/json.";
}

}  // namespace

const std::string* Params::find(std::string_view name) const {
  const auto found =
      std::ranges::find(items_, name, [](const auto& item) -> std::string_view { return item.first; });
  return found == items_.end() ? nullptr : &found->second;
}

const std::string& Params::get(std::string_view name) const {
  static const std::string kNone;
  const auto* value = find(name);
  return value ? *value : kNone;
}

std::expected<Params, std::string> parse_params(const Request& request) {
  Params params;
  auto error = add_urlencoded(request.query, params.items_);
  if (!error) error = add_body(request, params.items_);
  if (error) return std::unexpected(std::move(*error));
  if (params.items_.size() > kParamsMax) return std::unexpected("There are more than 64 parameters.");
  for (auto item = params.items_.begin(); item != params.items_.end(); ++item) {
    if (!is_utf8(item->first)) return std::unexpected("A parameter's name is not UTF-8.");
    if (!is_utf8(item->second)) return std::unexpected(shown(item->first) + " is not UTF-8.");
    if (std::any_of(params.items_.begin(), item,
                    [&](const auto& other) { return other.first == item->first; })) {
      return std::unexpected(shown(item->first) + " is given twice.");
    }
  }
  return params;
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
        c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return {};
      out.push_back(static_cast<char>(hex(text[i + 1]) << 4 | hex(text[i + 2])));
      i += 2;
    } else {
      out.push_back(plus && text[i] == '+' ? ' ' : text[i]);
    }
    if (out.back() == '\0') return {};
  }
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead == 0) return false;
    const std::size_t size = lead < 0x80       ? 1
                             : lead >> 5 == 6  ? 2
                             : lead >> 4 == 14 ? 3
                             : lead >> 3 == 30 ? 4
                                               : 0;
    if (size == 0 || i + size > text.size()) return false;
    uint32_t c = size == 1 ? lead : lead & (0x7f >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      c = c << 6 | (next & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // less is an overlong form
    if (c < kLeast[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
    i += size;
  }
  return true;
}

}  // namespace otpgw::http
