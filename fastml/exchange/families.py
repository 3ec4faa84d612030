"""The one table of the exchange: which classes are said by which module, and the twins of a class."""

import importlib
from typing import NamedTuple

__all__ = ["FAMILIES", "is_own", "own_class", "read", "say", "twin_class"]


class Family(NamedTuple):
    """Classes that fastml and scikit-learn have under one name, and the module whose `say` and `read` know them."""

    family: str  # module below both packages
    names: tuple
    how: str  # module of the exchange


FAMILIES = (
    Family("tree", ("DecisionTreeClassifier", "DecisionTreeRegressor"), "trees"),
    Family(
        "linear_model",
        ("LinearRegression", "Ridge", "LogisticRegression", "Perceptron", "SGDClassifier", "SGDRegressor"),
        "linear",
    ),
    Family("linear_model", ("RANSACRegressor",), "compositions"),
    Family("svm", ("LinearSVC",), "linear"),
    Family(
        "neighbors",
        (
            *("NearestNeighbors", "KNeighborsClassifier", "KNeighborsRegressor"),
            *("RadiusNeighborsClassifier", "RadiusNeighborsRegressor"),
        ),
        "neighbors",
    ),
    Family("neighbors", ("NeighborhoodComponentsAnalysis",), "attributes"),
    Family(
        "naive_bayes", ("GaussianNB", "BernoulliNB", "MultinomialNB", "ComplementNB", "CategoricalNB"), "naive_bayes"
    ),
    Family("neural_network", ("MLPClassifier", "MLPRegressor"), "networks"),
    Family(
        "preprocessing",
        (
            "StandardScaler",
            "MinMaxScaler",
            "MaxAbsScaler",
            "RobustScaler",
            "PolynomialFeatures",
            "PowerTransformer",
            "SplineTransformer",
            "QuantileTransformer",
            "KBinsDiscretizer",
            "Normalizer",
            "Binarizer",
            "OneHotEncoder",
            "OrdinalEncoder",
            "TargetEncoder",
            "LabelEncoder",
            "LabelBinarizer",
            "MultiLabelBinarizer",
        ),
        "steps",
    ),
    Family("impute", ("SimpleImputer", "MissingIndicator"), "steps"),
    Family("feature_extraction", ("DictVectorizer",), "vectorizers"),
    Family("feature_extraction.text", ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"), "vectorizers"),
    Family("feature_extraction.text", ("TfidfTransformer",), "attributes"),
    Family("decomposition", ("PCA", "IncrementalPCA", "TruncatedSVD"), "attributes"),
    Family("discriminant_analysis", ("LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"), "attributes"),
    Family(
        "feature_selection",
        (
            *("GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest", "SelectPercentile"),
            "VarianceThreshold",
        ),
        "attributes",
    ),
    Family("pipeline", ("Pipeline",), "compositions"),
    Family("compose", ("ColumnTransformer", "TransformedTargetRegressor"), "compositions"),
    Family(
        "model_selection",
        ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
        "searches",
    ),
)


def say(model):
    """The scikit-learn twin of a model of fastml; None for an object of any other class. Arrays are shared."""
    row = row_of(type(model), "fastml")
    return None if row is None else module_of(row).say(model, twin_class(type(model)))


def read(model):
    """The fastml twin of a model of scikit-learn; None for an object of any other class. Arrays are shared."""
    row = row_of(type(model), "sklearn")
    return None if row is None else module_of(row).read(model, own_class(type(model)))


def twin_class(cls):
    """scikit-learn's class of the name of a class of fastml, or None."""
    row = row_of(cls, "fastml")
    return row and class_in("sklearn", row, cls.__name__)


def own_class(cls):
    """fastml's class of the name of a class of scikit-learn, or None."""
    row = row_of(cls, "sklearn")
    return row and class_in("fastml", row, cls.__name__)


def is_own(cls):
    return cls.__module__.partition(".")[0] == "fastml"


def row_of(cls, package):
    """The line of the table in which a class of a package stands, or None."""
    parts = cls.__module__.split(".")
    if parts[0] != package or len(parts) < 2:
        return None
    for row in FAMILIES:
        if row.family.partition(".")[0] == parts[1] and cls.__name__ in row.names:
            return row if class_in(package, row, cls.__name__) is cls else None
    return None


def class_in(package, row, name):
    if name.startswith("Halving"):
        importlib.import_module("sklearn.experimental.enable_halving_search_cv")
    return getattr(importlib.import_module(f"{package}.{row.family}"), name)


def module_of(row):
    return importlib.import_module(f"fastml.exchange.{row.how}")
