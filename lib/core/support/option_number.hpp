#pragma once
/// Access to a number among described options by its name.

#include "core/support/option.hpp"

#include <functional>
#include <string_view>
#include <type_traits>

namespace spnode {

/// The field of the option `path` ("section.name") of a struct of options; null where there is no option of
/// this name that is a real number.
template <class Options>
double* find_number(Options& options, std::string_view path);

namespace detail {

/// Visits a description for find_number.
template <class Options>
struct NumberFinder {
  Options& options;
  std::string_view path;
  double* found = nullptr;

  void option(std::string_view name, auto field, const Option&) {
    if constexpr (std::is_same_v<decltype(std::invoke(field, options)), double&>)
      if (name == path) found = &std::invoke(field, options);
  }
  void section(std::string_view name, auto field, std::string_view, OnResume = OnResume::same) {
    if (path.size() > name.size() && path.starts_with(name) && path[name.size()] == '.')
      found = find_number(std::invoke(field, options), path.substr(name.size() + 1));
  }
  void include(auto field) {
    if (double* const inside = find_number(std::invoke(field, options), path)) found = inside;
  }
};

}  // namespace detail

template <class Options>
double* find_number(Options& options, std::string_view path) {
  detail::NumberFinder<Options> visit{options, path};
  std::remove_const_t<Options>::describe(visit);
  return visit.found;
}

}  // namespace spnode
