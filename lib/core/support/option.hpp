#pragma once
/// Options described once, beside their struct: what reads them, prints them, checks them and lists them
/// visits this description. Not collective.
///
/// A struct of options has a static member template that names its fields in the order of the manual:
///
///   static void describe(auto& visit) {
///     visit.option("rank", &BilinearOptions::rank, {.meaning = "...", .limits = between(1, widest)});
///     visit.section("linear", &ModelOptions::linear, "...");  // a struct of options of its own
///     visit.include(&DataOptions::windows);                   // a struct whose options stand among these
///   }
///
/// where a function of the struct can stand for the pointer to a member. Rules between its fields are in
/// `void validate() const`, which raises OptionError; validate_all checks these and the limits. The words of
/// enumerations: words.hpp.

#include "core/support/error.hpp"
#include "core/support/words.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spnode {

/// Which numbers an option takes; of a list, which entries.
struct Limits {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool excludes_least = false;

  constexpr bool allow(double value) const {
    return (excludes_least ? value > least : value >= least) && value <= most;
  }
  constexpr Limits up_to(double value) const { return {least, value, excludes_least}; }
  /// As limits of integers, which are never negative: without an upper one, the libraries' (2^31 - 1).
  constexpr Limits of_integers() const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {std::max(least, 0.0), most < infinity ? most : std::numeric_limits<std::int32_t>::max(),
            excludes_least};
  }
  /// "at least 1", "above 0, at most 1", or nothing.
  std::string words() const;
  /// The same of integers, which always have both ends.
  std::string integer_words() const;
};

/// Most for integers of which all 64 bits count.
inline constexpr double any_integer = 0x1p64;

constexpr Limits at_least(double least) { return {.least = least}; }
constexpr Limits above(double least) { return {.least = least, .excludes_least = true}; }
constexpr Limits between(double least, double most) { return {.least = least, .most = most}; }

/// Whether a run that is resumed may have another value than before: one that the model does not depend on.
enum class OnResume { same, free };

/// What an option is, beside its name, its type and its default, which are those of the field.
struct Option {
  std::string_view meaning;    ///< one line
  std::string_view unit = {};  ///< empty where there is none
  Limits limits = {};
  OnResume on_resume = OnResume::same;
};

/// Options that contradict each other or do not fit what they are for.
struct OptionError : UsageError {
  /// `at_fault`: names of options as their struct describes them, sections before them ("linear.rank"). The
  /// first begins the sentence that `rest` goes on with: what is wrong, found and allowed.
  OptionError(std::vector<std::string> at_fault, std::string rest)
      : UsageError(at_fault.front() + " " + rest), options(std::move(at_fault)), reason(std::move(rest)) {}

  std::vector<std::string> options;
  std::string reason;
};

/// Raises OptionError unless `holds`.
inline void require_option(bool holds, std::vector<std::string> options, const std::string& reason) {
  if (!holds) throw OptionError(std::move(options), reason);
}

/// Runs `work`; an OptionError that it raises is raised as one of the struct around `section`.
template <class Work>
decltype(auto) in_section(const std::string& section, Work&& work) {
  try {
    return work();
  } catch (const OptionError& error) {
    std::vector<std::string> options = error.options;
    for (std::string& option : options) option = section + "." + option;
    throw OptionError(std::move(options), error.reason);
  }
}

/// Raises OptionError for a value of an option that is not finite or that its limits do not allow.
void require_within(std::string_view option, double value, const Limits& limits);
void require_within(std::string_view option, std::uint64_t value, const Limits& limits);

/// Raises OptionError for the first field of a struct of options, or of those in it, that its limits do not
/// allow, and where validate() of one of them does.
template <class Options>
void validate_all(const Options& options);

namespace detail {

/// Visits a description for validate_all.
template <class Options>
struct Validator {
  const Options& options;

  void option(std::string_view name, auto field, const Option& option) {
    check(name, std::invoke(field, options), option.limits);
  }
  void section(std::string_view name, auto field, std::string_view, OnResume = OnResume::same) {
    in_section(std::string(name), [&] { validate_all(std::invoke(field, options)); });
  }
  void include(auto field) { validate_all(std::invoke(field, options)); }

 private:
  void check(std::string_view name, double value, const Limits& limits) {
    require_within(name, value, limits);
  }
  void check(std::string_view name, std::uint64_t value, const Limits& limits) {
    require_within(name, value, limits);
  }
  template <class T>
  void check(std::string_view name, const std::vector<T>& values, const Limits& limits) {
    for (const T& value : values) check(name, value, limits);
  }
  template <class T>
  void check(std::string_view, const T&, const Limits&) {}  // words, texts, true or false
};

}  // namespace detail

template <class Options>
void validate_all(const Options& options) {
  detail::Validator<Options> visit{options};
  Options::describe(visit);
  if constexpr (requires { options.validate(); }) options.validate();
}

}  // namespace spnode
