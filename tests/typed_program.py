"""A user's program, which `make lint` has mypy check as strictly as it can: no call into fastml may be untyped."""

import numpy as np

import fastml
from fastml import autodiff as ad
from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, SGDClassifier, SGDRegressor
from fastml.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score
from fastml.model_selection import GridSearchCV, cross_val_score, cross_validate
from fastml.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from fastml.neighbors import (
    KDTree,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
)
from fastml.neural_network import MLPClassifier, MLPRegressor, Network
from fastml.plot import roc, training
from fastml.svm import LinearSVC
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, export_text, rules, to_sql

X, y = np.zeros((9, 2)), np.arange(9) % 2


def use() -> np.ndarray:
    for model in (
        LogisticRegression(C=2.0),
        Perceptron(),
        SGDClassifier(loss="hinge"),
        LinearSVC(),
        GaussianNB(),
        BernoulliNB(),
        MultinomialNB(),
    ):
        model.fit(X, y).predict(X)
    for other in (LinearRegression(), Ridge(alpha=1.0), SGDRegressor()):
        other.fit(X, y).predict(X)
    KNeighborsClassifier(3).fit(X, y).predict_proba(X)
    KNeighborsRegressor(3).fit(X, y).predict(X)
    RadiusNeighborsClassifier(1.0).fit(X, y).score(X, y)
    NearestNeighbors(n_neighbors=2).fit(X).kneighbors(X)
    KDTree(X).query(X, k=2)
    network = MLPClassifier((5,), max_iter=5).fit(X, y)
    print(network.diagnose(), network.network_.summary(), MLPRegressor().fit(X, y).predict(X))
    Network([[[1.0], [1.0]]], activations="identity").forward(X)
    tree = DecisionTreeClassifier(max_depth=2).fit(X, y)
    print(export_text(tree), rules(tree), to_sql(tree), tree.get_depth(), DecisionTreeRegressor().fit(X, y).predict(X))
    print(accuracy_score(y, y), confusion_matrix(y, y), f1_score(y, y), roc_auc_score(y, y))
    GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}).fit(X, y)
    cross_val_score(GaussianNB(), X, y), cross_validate(GaussianNB(), X, y)
    roc(y, y), training(network)
    fastml.save(tree, "a.fastml")
    fastml.to_sklearn(fastml.load("a.fastml"))
    ad.minimize(lambda w: w, 1.0)
    ad.value_and_grad(lambda w: w)(1.0)
    return tree.predict(X)
