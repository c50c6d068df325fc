#pragma once
/// Decks that suit a data set, from what a survey says of it.

#include <string>
#include <vector>

#include "training/survey.hpp"

namespace spnode::app {

/// What a recipe's deck names.
struct RecipeNames {
  std::string data;    ///< the trajectory file
  std::string output;  ///< the run directory
  std::vector<std::string> parameters, inputs;
};

/// A class of models with the way to train it.
struct Recipe {
  std::string name;  ///< "quadratic, started from operator inference"
  std::string deck;  ///< YAML with a comment behind each choice
};

/// The decks to try, the most promising one first; at most three.
std::vector<Recipe> recipes(const training::Survey& survey, const RecipeNames& names);

}  // namespace spnode::app
